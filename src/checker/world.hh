// SPDX-License-Identifier: BSD-3-Clause
//
// What all machines share: the messages that nobody has taken, memory, and the
// bookkeeping of values. The checker runs in one thread and has one world.

#ifndef HOMESHIFT_CHECKER_WORLD_HH
#define HOMESHIFT_CHECKER_WORLD_HH

#include <algorithm>
#include <string_view>
#include <vector>

#include "checker/values.hh"

namespace homeshift::engine
{

constexpr unsigned kMaxMessages = 60;

// A line of a trace: a transition of a machine, a message that it sent, or one that it took in the
// step of another.
struct Logged
{
    MachineID machine;
    const char *what; // "transition", "sent" or "takes"
    unsigned state = 0;
    unsigned event = 0;
    std::string message{}; // as JSON
};

// Travelling: a message that nobody has taken, as the runtime keeps it.
template <typename Travelling>
struct WorldOf : Values
{
    // ---- part of the state ----
    Travelling messages[kMaxMessages];
    unsigned count = 0;

    // ---- of the step under way ----
    bool refused = false; // the message cannot be taken now: the step does not exist,
    bool blocks = false;  // but that it blocks its port from now on
    unsigned touched = 0; // nodes, a bit each, of which something may have changed; see node_of()
    unsigned fault = 0;   // lines, a bit each, for which a core gets an access fault
    unsigned victim = kLines;    // line to evict
    std::string_view reported{}; // the method of an external object that was called, if one was,
    Addr reported_at = 0;        // and with which address
    std::vector<Logged> *log = nullptr;

    // ---- not part of the state ----
    bool ordered[16] = {};    // virtual networks that keep order from one machine to another
    bool wake_later = false;  // messages that wake up are not taken at once
    bool asks_in_vain = true; // a stimulus may be given that has to wait in its machine
    bool reduced = false;     // see reduction.hh
    std::uint64_t *taken[MachineType_NUM] = {}; // how often each transition was taken
    std::vector<std::uint64_t *> taken_in_step;

    void
    count_transition(MachineType type, unsigned number)
    {
        taken_in_step.push_back(&taken[type][number]);
    }

    // The step under way exists: its transitions count.
    void
    count_step()
    {
        for (std::uint64_t *count : taken_in_step) {
            ++*count;
        }
    }

    void
    begin_step()
    {
        begin_values();
        fault = touched = 0;
        reported = {};
        taken_in_step.clear();
        refused = blocks = false;
    }

    void
    add(const Travelling &message)
    {
        if (count == kMaxMessages) {
            throw ProtocolError("more than " + std::to_string(kMaxMessages) +
                                " messages are under way");
        }
        messages[count++] = message;
    }

    void
    remove(unsigned index)
    {
        const Travelling gone = messages[index];
        messages[index] = messages[--count];
        if (gone.from != 0 && gone.place == kNetwork) {
            for (unsigned i = 0; i < count; ++i) {
                Travelling &m = messages[i];
                if (same_channel(m, gone) && m.rank > gone.rank) {
                    --m.rank;
                }
            }
        }
    }

    static bool
    same_channel(const Travelling &a, const Travelling &b)
    {
        return a.place == b.place && a.machine == b.machine && a.via == b.via && a.from == b.from;
    }

    // Nothing that it must not overtake is before it.
    bool
    deliverable(const Travelling &message) const
    {
        if (message.place == kStalled || message.rank != 0) {
            return false;
        }
        return message.place != kNetwork ||
               std::none_of(messages, messages + count, [&](const Travelling &m) {
                   return m.place == kBlocked && m.machine == message.machine &&
                          m.via == message.via;
               });
    }
};

} // namespace homeshift::engine

#endif // HOMESHIFT_CHECKER_WORLD_HH
