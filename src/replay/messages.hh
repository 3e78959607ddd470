// SPDX-License-Identifier: BSD-3-Clause
//
// The engine's messages, held: each has come to its machine, which is not given it
// before somebody says so. They are told and named as the checker's are.

#ifndef HOMESHIFT_REPLAY_MESSAGES_HH
#define HOMESHIFT_REPLAY_MESSAGES_HH

#include <vector>

#include "checker/message_json.hh"
#include "checker/world.hh"
#include "engine/message.hh"

namespace homeshift::engine
{

struct Travelling
{
    Place place;
    Byte machine;     // where it is
    Byte via;         // virtual network, or port
    Byte from = 0;    // not used: whoever releases messages minds the order of a network
    Byte rank = 0;    // not used
    Byte address = 0; // line that it waits for
    Byte type = 0;    // of the message
    Message *body = nullptr;
};

inline WorldOf<Travelling> world;

// At the end of a step: gives the values their names, and forgets fields that nobody reads.
class Settler
{
  public:
    template <typename T>
    void
    operator()(const char *name, T &value)
    {
        if constexpr (std::is_same_v<T, DataBlock>) {
            value.token = world.settled(static_cast<Byte>(value.token));
        } else if constexpr (requires { value.find(0U); }) {
            for (unsigned line = 0; line < kLines; ++line) {
                inside(value.find(line));
            }
        } else if constexpr (requires { value.isPresent(Addr{}); }) {
            for (unsigned line = 0; line < kLines; ++line) {
                inside(value.lookup(address_of(line)));
            }
        } else if constexpr (has_parts<T, Settler>) {
            show_parts(*this, name, value);
        }
    }

  private:
    template <typename T>
    void
    inside(T *entry)
    {
        if (entry != nullptr) {
            forget_unread(*entry);
            entry->for_each_field(*this);
        }
    }
};

struct MessageType
{
    const char *name;
    bool (*is)(const Message &message);
    Message *(*decode)(Message *body);
    std::string (*fields)(const Message &message);
    void (*settle)(Message &message);
};

inline std::vector<MessageType> &
message_types()
{
    static std::vector<MessageType> all;
    return all;
}

template <typename T>
Byte
register_message()
{
    message_types().push_back(
        {name_of_type<T>(),
         [](const Message &message) { return dynamic_cast<const T *>(&message) != nullptr; },
         [](Message *body) { return body; },
         [](const Message &message) {
             T copy(static_cast<const T &>(message));
             forget_unread(copy);
             FieldPrinter printer;
             copy.for_each_field(printer);
             return printer.text;
         },
         [](Message &message) {
             forget_unread(static_cast<T &>(message));
             Settler settle;
             static_cast<T &>(message).for_each_field(settle);
         }});
    return static_cast<Byte>(message_types().size() - 1);
}

template <typename T>
inline const Byte message_type = register_message<T>();

inline Byte
type_of(const Message &message)
{
    const auto &types = message_types();
    const auto found = std::find_if(types.begin(), types.end(),
                                    [&](const auto &type) { return type.is(message); });
    return static_cast<Byte>(found - types.begin());
}

inline Shown
show(const Travelling &message)
{
    const MessageType &type = message_types()[message.type];
    return {type.name, type.fields(*message.body)};
}

// Overloads are generated from what a scenario says of messages that a DMA sends to itself.
template <typename T>
inline NewValue
new_value_of(T &)
{
    return {};
}

} // namespace homeshift::engine

#endif // HOMESHIFT_REPLAY_MESSAGES_HH
