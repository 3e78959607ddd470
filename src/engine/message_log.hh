// SPDX-License-Identifier: BSD-3-Clause
//
// Single messages for a timeline: who sent what to whom, and when. A bounded number
// of them, since a run has millions.

#ifndef HOMESHIFT_ENGINE_MESSAGE_LOG_HH
#define HOMESHIFT_ENGINE_MESSAGE_LOG_HH

#include <cstddef>
#include <unordered_map>
#include <vector>

#include "engine/message.hh"
#include "engine/types.hh"

namespace homeshift::engine
{

// What a protocol calls a message, as in {"RequestMsg", "GetS", 0x1000}.
struct MessageName
{
    const char *kind = "";
    const char *type = "";
    Addr address = 0;
};

// Cold, and never inlined: where nothing is noted, this must not be in the way of what sends.
class MessageLog
{
  public:
    struct Note
    {
        MessageName name;
        MessageSizeType size;
        MachineID from;
        MachineID to;
        Cycle sent;
        Cycle arrived;
    };

    // Of those sent from now on, note so many.
    MessageLog(std::size_t most, MessageName (*name_of)(const Message &))
        : left_(most), name_of_(name_of)
    {}

    [[gnu::cold, gnu::noinline]] void
    send(const Message &message, MachineID from, Cycle now)
    {
        if (left_ > 0) {
            --left_;
            under_way_[&message] = {name_of_(message), message.MessageSize, from, {}, now, now};
        }
    }

    // A message to several goes on as a copy for some of them.
    [[gnu::cold, gnu::noinline]] void
    copy(const Message &message, const Message &copy)
    {
        if (const auto found = under_way_.find(&message); found != under_way_.end()) {
            under_way_[&copy] = Note(found->second);
        }
    }

    [[gnu::cold, gnu::noinline]] void
    forget(const Message &message)
    {
        under_way_.erase(&message);
    }

    [[gnu::cold, gnu::noinline]] void
    deliver(const Message &message, MachineID to, Cycle when)
    {
        if (const auto found = under_way_.find(&message); found != under_way_.end()) {
            arrived.push_back(found->second);
            arrived.back().to = to;
            arrived.back().arrived = when;
            under_way_.erase(found);
        }
    }

    // No new ones; those under way are still noted when they arrive.
    void
    close()
    {
        left_ = 0;
    }

    std::vector<Note> arrived;

  private:
    std::size_t left_;
    MessageName (*name_of_)(const Message &);
    std::unordered_map<const Message *, Note> under_way_;
};

} // namespace homeshift::engine

#endif // HOMESHIFT_ENGINE_MESSAGE_LOG_HH
