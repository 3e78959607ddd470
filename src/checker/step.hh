// SPDX-License-Identifier: BSD-3-Clause
//
// A step of the machine, and steps that are named, one after another: the same for the
// checker's machine and for the engine's, when it takes a counterexample.

#ifndef HOMESHIFT_CHECKER_STEP_HH
#define HOMESHIFT_CHECKER_STEP_HH

#include <exception>
#include <new>
#include <optional>

#include "checker/reduction.hh"

namespace homeshift::engine
{

using Step = std::uint16_t; // a message's place in the world, or kMaxMessages + a stimulus

constexpr const char *kDeadlock = "deadlock: a request waits, and no message can be taken";

// Do a step, and what `at_once` takes in it; false if there is no such step.
template <typename AtOnce>
bool
fire(Machine &machine, Step step, AtOnce at_once)
{
    world.begin_step();
    world.readers = machine.readers();
    const unsigned readers = world.readers;
    if (step >= kMaxMessages) {
        if (!machine.stimulate(step - kMaxMessages)) {
            return false;
        }
    } else {
        const Travelling message = world.messages[step];
        world.remove(step);
        machine.controller(machine_of(message.machine)).arrive(message);
        if (world.blocks && message.place == kNetwork) {
            Travelling blocked = message;
            blocked.place = kBlocked;
            blocked.from = blocked.rank = 0;
            world.add(blocked);
            world.refused = false;
        }
    }
    if (!world.refused) {
        at_once();
    }
    world.readers = machine.readers();
    world.changed = world.changed || (readers != 0 && world.readers == 0);
    if (!world.refused) {
        world.count_step();
    }
    return !world.refused;
}

// The property that the machine's state breaks, if there is one.
inline const char *
broken_property(Machine &machine)
{
    const char *broken = machine.broken_invariant();
    if (broken == nullptr && world.count == 0 && machine.quiet()) {
        broken = machine.broken_when_quiet();
    }
    return broken;
}

// Whether something is unanswered and no message can be taken. If one can, it is.
inline bool
stuck(Machine &machine)
{
    if (world.count == 0 && machine.quiet()) {
        return false;
    }
    for (unsigned i = world.count; i-- > 0;) { // what is refused comes last
        const Travelling message = world.messages[i];
        if (!world.deliverable(message)) {
            continue;
        }
        if (fire(machine, static_cast<Step>(i), [] {})) {
            return false;
        }
        world.add(message);
    }
    return true;
}

inline std::string
key_of(const Travelling &message)
{
    const Shown shown = show(message);
    return FieldPrinter::machine(machine_of(message.machine)) + ": " + shown.type + ' ' +
           shown.fields;
}

// The message with that name that can be taken.
inline std::optional<Step>
message_named(const std::string &key)
{
    for (unsigned i = 0; i < world.count; ++i) {
        if (world.deliverable(world.messages[i]) && key_of(world.messages[i]) == key) {
            return static_cast<Step>(i);
        }
    }
    return std::nullopt;
}

// The step with that name.
inline std::optional<Step>
step_named(const std::string &key)
{
    if (const std::optional<Step> message = message_named(key)) {
        return message;
    }
    for (unsigned i = 0; i < kStimuli; ++i) {
        if (FieldPrinter::machine(machine_of_stimulus(i)) + ": " + describe_stimulus(i) == key) {
            return static_cast<Step>(kMaxMessages + i);
        }
    }
    return std::nullopt;
}

// How named steps end: in a fault, at a step that cannot be taken, or well.
struct Ending
{
    std::string fault;
    std::string not_taken;
};

// Take steps by their names, each shown with what was logged, as long as they can be taken and no
// fault is met. `at_once` takes what belongs to a step by its number, `settle` ends a step,
// `at_end` is called when the machine is in its last state.
template <typename AtOnce, typename Show, typename Settle, typename AtEnd>
Ending
take_steps(Machine &machine, const std::vector<std::string> &names, AtOnce at_once, Show show,
           Settle settle, AtEnd at_end)
{
    Ending end;
    for (std::size_t i = 0; i < names.size() && end.fault.empty(); ++i) {
        const std::optional<Step> step = step_named(names[i]);
        if (!step) {
            end.not_taken = names[i];
            break;
        }
        const bool stimulus = *step >= kMaxMessages;
        const std::string taken = stimulus ? "" : message_json(world.messages[*step]);
        std::vector<Logged> log;
        bool possible = false;
        const Machine::Watched before = machine.watched();
        world.log = &log;
        try {
            possible = fire(machine, *step, [&] { at_once(i); });
        } catch (const std::bad_alloc &) { // no fault of the protocol
            throw;
        } catch (const std::exception &error) {
            end.fault = error.what();
        }
        world.log = nullptr;
        if (!possible && end.fault.empty()) {
            end.not_taken = names[i];
            break;
        }
        show(stimulus ? static_cast<int>(*step - kMaxMessages) : -1, taken, log, end.fault);
        if (!end.fault.empty()) {
            break;
        }
        const char *broken = machine.broken_by_step(before);
        if (broken == nullptr) {
            settle();
            broken = broken_property(machine);
        }
        end.fault = broken == nullptr ? "" : broken;
    }
    at_end();
    if (end.fault.empty() && end.not_taken.empty()) {
        try {
            end.fault = stuck(machine) ? kDeadlock : "";
        } catch (const std::exception &) { // of a step after the last one
        }
    }
    return end;
}

} // namespace homeshift::engine

#endif // HOMESHIFT_CHECKER_STEP_HH
