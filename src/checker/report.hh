// SPDX-License-Identifier: BSD-3-Clause
//
// Steps as JSON, one object a line; options that say what may happen; how a program ends
// that cannot do what it is asked to.

#ifndef HOMESHIFT_CHECKER_REPORT_HH
#define HOMESHIFT_CHECKER_REPORT_HH

#include <exception>
#include <iostream>
#include <new>
#include <stdexcept>
#include <string>

#include "checker/step.hh"

namespace homeshift::engine
{

inline void
print_step(int stimulus, const std::string &taken, const std::vector<Logged> &log,
           const std::string &error)
{
    std::cout << "{\"step\":";
    if (stimulus >= 0) {
        std::cout << quoted(describe_stimulus(static_cast<unsigned>(stimulus)))
                  << ",\"at\":" << quoted(FieldPrinter::machine(machine_of_stimulus(stimulus)));
    } else {
        std::cout << taken;
    }
    std::cout << ",\"log\":[";
    const char *comma = "";
    for (const Logged &entry : log) {
        std::cout << comma << "{\"machine\":" << quoted(FieldPrinter::machine(entry.machine));
        if (!entry.message.empty()) {
            std::cout << ",\"" << entry.what << "\":" << entry.message;
        } else {
            std::cout << ",\"state\":" << entry.state << ",\"event\":" << entry.event
                      << ",\"type\":" << quoted(kMachineTypeNames[entry.machine.type]);
        }
        std::cout << '}';
        comma = ",";
    }
    std::cout << "],\"error\":" << quoted(error) << "}" << std::endl; // a crash may follow
}

// Print what named steps, one a line of the input, do.
template <typename Replay>
int
print_replay(Replay replay)
{
    std::vector<std::string> names;
    for (std::string name; std::getline(std::cin, name);) {
        names.push_back(name);
    }
    const Ending end = replay(names);
    for (const auto &[key, text] : {std::pair("fault", end.fault), {"not_taken", end.not_taken}}) {
        if (!text.empty()) {
            std::cout << "{\"" << key << "\":" << quoted(text) << "}\n";
        }
    }
    std::cout << std::flush;
    return end.fault.empty() ? 0 : 1;
}

// Take an option that says what may happen; false if it is none.
template <typename Value>
bool
take_option(const std::string &option, Value value)
{
    if (option == "--wake-later") {
        world.wake_later = true;
    } else if (option == "--no-waiting") {
        world.asks_in_vain = false;
    } else if (option == "--reduced") {
        world.reduced = true;
    } else if (option == "--capacity") {
        const std::string capacity = value();
        const std::size_t equals = capacity.find('=');
        asked_capacities[capacity.substr(0, equals)] =
            static_cast<unsigned>(std::stoul(capacity.substr(equals + 1)));
    } else if (option == "--limit") {
        const std::string limit = value();
        const std::size_t equals = limit.find('=');
        set_limit(limit.substr(0, equals),
                  static_cast<unsigned>(std::stoul(limit.substr(equals + 1))));
    } else {
        return false;
    }
    return true;
}

// Exit statuses besides 0 and 1, which say whether there is a fault of the protocol.
constexpr int kBadOption = 2;
constexpr int kOutOfMemory = 3;
constexpr int kFailed = 4;

// Take an option by `take`; false, and a word to the user, if it is none, or its number is too
// large.
template <typename Take>
bool
option_taken(const std::string &option, Take take)
{
    try {
        if (take()) {
            return true;
        }
        std::cerr << "unknown option " << option << '\n';
    } catch (const std::logic_error &) { // of std::stoul and its like
        std::cerr << "option " << option << ": not a number that it can have\n";
    }
    return false;
}

// Run the program. What ends it is no fault of the protocol.
template <typename Program>
int
exit_status_of(Program program)
{
    try {
        return program();
    } catch (const std::bad_alloc &) {
        std::cerr << "out of memory\n";
        return kOutOfMemory;
    } catch (const std::exception &error) {
        std::cerr << error.what() << '\n';
        return kFailed;
    }
}

} // namespace homeshift::engine

#endif // HOMESHIFT_CHECKER_REPORT_HH
