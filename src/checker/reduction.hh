// SPDX-License-Identifier: BSD-3-Clause
//
// A reduced search looks at fewer orders of the messages, and at the same quiet states.
//
// First, a message that would have to wait in its machine is not taken: it waits on its
// way. In a network without order the two differ in nothing but the order in which what
// waits is looked at, and all orders are tried anyway. What is lost is the wake-up: that
// nothing is left waiting is for the full search to show.
//
// Second, a message that a scenario names under [[at_once]] is taken in the step that
// sends it. That is sound if it can be taken whatever happens before, and taking it makes
// no difference to what else can happen: then every way to a quiet state can be changed
// into one that takes it first (it makes a persistent set of its own). docs/checker.md
// says why this is so of each.
//
// What is taken are still steps of the protocol, so a fault that is found is one.

#ifndef HOMESHIFT_CHECKER_REDUCTION_HH
#define HOMESHIFT_CHECKER_REDUCTION_HH

#include "scenario.hh" // generated: struct Machine

namespace homeshift::engine
{

constexpr unsigned kMaxAtOnce = 256; // in a step

// Take a message in the step of another.
inline void
take_in_step(Machine &machine, unsigned number)
{
    const Travelling message = world.messages[number];
    const MachineID at = machine_of(message.machine);
    if (world.log != nullptr) {
        world.log->push_back({at, "takes", 0, 0, message_json(message)});
    }
    world.remove(number);
    machine.controller(at).arrive(message);
    if (world.refused) {
        throw ProtocolError("a message that is to be taken at once has to wait");
    }
}

inline void
take_at_once(Machine &machine)
{
    unsigned taken = 0;
    for (unsigned i = 0; i < world.count;) {
        const Travelling &message = world.messages[i];
        if (!world.deliverable(message) || !machine.at_once(message)) {
            ++i;
            continue;
        }
        if (++taken > kMaxAtOnce) {
            throw ProtocolError("messages that are taken at once go round for ever");
        }
        take_in_step(machine, i);
        i = 0;
    }
}

} // namespace homeshift::engine

#endif // HOMESHIFT_CHECKER_REDUCTION_HH
