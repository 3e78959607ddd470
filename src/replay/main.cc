// SPDX-License-Identifier: BSD-3-Clause
//
// Takes the steps of a counterexample in the timed engine: its event queue, network,
// caches and controllers. It is built and called by homeshift.check.replay, and prints
// what the checker prints of a replay.
//
//   replay [--limit STIMULUS=N]... [--capacity MACHINE.CACHE=N]... [--no-waiting]
//          [--reduced] < steps, one a line
//
// A line that begins with '+' names a message that is taken in the step before it.

#include <cstdlib>
#include <iostream>
#include <numeric>

#include "checker/report.hh"
#include "protocol.cc"
#include "scenario.hh"

namespace homeshift::engine
{

namespace
{

Machine &
machine()
{
    static Machine made;
    return made;
}

void
take_named(const std::vector<std::string> &names)
{
    for (const std::string &name : names) {
        const std::optional<Step> message = message_named(name);
        if (!message) {
            throw ProtocolError("replay: there is no message '" + name + "' now");
        }
        take_in_step(machine(), *message);
    }
}

// As after every step of the checker: values get their names, and what the scenario says that
// nobody reads any more is forgotten.
void
settle()
{
    Settler settle;
    for (Node &node : machine().node) {
        node.forget();
        settle("", node);
    }
    settle("", machine().single);
    for (unsigned i = 0; i < world.count; ++i) {
        message_types()[world.messages[i].type].settle(*world.messages[i].body);
    }
    for (Byte &token : world.memory) {
        token = world.settled(token);
    }
}

Ending
replay(const std::vector<std::string> &lines)
{
    std::vector<std::string> steps;
    std::vector<std::vector<std::string>> at_once;
    for (const std::string &line : lines) {
        if (line.starts_with('+') && !steps.empty()) {
            at_once.back().push_back(line.substr(1));
        } else {
            steps.push_back(line);
            at_once.emplace_back();
        }
    }
    return take_steps(
        machine(), steps, [&](std::size_t step) { take_named(at_once[step]); }, print_step, settle,
        [] {});
}

int
run()
{
    std::iota(FieldPrinter::called.begin(), FieldPrinter::called.end(), Byte{0});
    machine().start();
    for (unsigned type = 0; type < MachineType_NUM; ++type) {
        for (unsigned number = 0; number < machines_of(static_cast<MachineType>(type)); ++number) {
            const MachineID id = createMachineID(static_cast<MachineType>(type), number);
            the_network.add(id, &machine().controller(id).gate);
        }
    }
    return print_replay(replay);
}

} // namespace

} // namespace homeshift::engine

int
main(int count, char **arguments)
{
    using namespace homeshift::engine;
    for (int i = 1; i < count; ++i) {
        const std::string option = arguments[i];
        const auto value = [&] { return std::string(arguments[++i]); };
        if (!option_taken(option, [&] { return take_option(option, value); })) {
            return kBadOption;
        }
    }
    std::_Exit(exit_status_of(run)); // messages lie in the machine and point to it
}
