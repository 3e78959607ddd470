// SPDX-License-Identifier: BSD-3-Clause
//
// Messages. An emitted controller fills in an object of its message's type; as soon
// as it is sent, it is kept as bytes, and becomes an object again when it is taken.

#ifndef HOMESHIFT_CHECKER_MESSAGE_HH
#define HOMESHIFT_CHECKER_MESSAGE_HH

#include <cstring>
#include <string>

#include "checker/codec.hh"
#include "checker/message_json.hh"
#include "checker/world.hh"
#include "engine/pool.hh"

namespace homeshift::engine
{

constexpr std::size_t kBodyBytes = 25;

// A message as a part of the state. What is not used is 0.
struct Travelling
{
    Place place;
    Byte machine;  // where it goes, or is
    Byte via;      // virtual network, or port
    Byte from;     // sender, on an ordered virtual network
    Byte rank;     // among those that it must not overtake
    Byte address;  // line that it waits for
    Byte type = 0; // of the message
    Byte body[kBodyBytes] = {};

    bool
    operator<(const Travelling &other) const
    {
        return std::memcmp(this, &other, sizeof *this) < 0;
    }

    bool
    operator==(const Travelling &other) const
    {
        return std::memcmp(this, &other, sizeof *this) == 0;
    }
};
static_assert(sizeof(Travelling) == 32);

inline WorldOf<Travelling> world;

class Message
{
  public:
    virtual ~Message() = default;

    NetDest Destination;
    MessageSizeType MessageSize = MessageSizeType_Control; // for statistics only: not in the state

    virtual void encode(Travelling &to) = 0;
    virtual NewValue new_value() = 0;
};

struct MessageType
{
    const char *name;
    Message *(*decode)(const Byte *body); // into an object that the next call uses again
    std::string (*fields)(const Byte *body);
    Layout layout; // of a whole Travelling
};

inline std::vector<MessageType> &
message_types()
{
    static std::vector<MessageType> all;
    return all;
}

inline Shown
show(const Travelling &message)
{
    const MessageType &type = message_types()[message.type];
    return {type.name, type.fields(message.body)};
}

// Overloads are generated from what a scenario says of messages that a DMA sends to itself.
template <typename T>
inline NewValue
new_value_of(T &)
{
    return {};
}

template <typename T>
Byte
register_message()
{
    T example;
    KindLister lister;
    lister.kinds = {kPlain, kMachine, kPlain, kMachine, kPlain, kPlain, kPlain};
    lister("", example);
    if (lister.kinds.size() > sizeof(Travelling)) {
        throw std::logic_error(std::string(name_of_type<T>()) + " has too many fields");
    }
    lister.kinds.resize(sizeof(Travelling), kPlain);
    message_types().push_back({name_of_type<T>(),
                               [](const Byte *body) -> Message * {
                                   static T object;
                                   Unpacker unpack(body);
                                   unpack("", object);
                                   return &object;
                               },
                               [](const Byte *body) {
                                   T object;
                                   Unpacker unpack(body);
                                   unpack("", object);
                                   FieldPrinter printer;
                                   object.for_each_field(printer);
                                   return printer.text;
                               },
                               Layout(lister.kinds)});
    return static_cast<Byte>(message_types().size() - 1);
}

template <typename T>
inline const Byte message_type = register_message<T>();

template <typename T>
class MessageOf : public Message, public Pooled<T>
{
  public:
    void
    encode(Travelling &to) override
    {
        to.type = message_type<T>;
        Packer pack(to.body);
        pack("", static_cast<T &>(*this));
    }

    NewValue
    new_value() override
    {
        return new_value_of(static_cast<T &>(*this));
    }
};

} // namespace homeshift::engine

#include "engine/request_messages.hh"

#endif // HOMESHIFT_CHECKER_MESSAGE_HH
