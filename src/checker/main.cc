// SPDX-License-Identifier: BSD-3-Clause
//
// The checker of one protocol, for one number of nodes and lines. It is built and
// called by `python -m homeshift.check`; it prints one JSON object a line.
//
//   checker [--states N] [--bytes N] [--seconds X] [--no-completion] [--wake-later]
//           [--no-waiting] [--reduced] [--limit STIMULUS=N]...
//           [--capacity MACHINE.CACHE=N]...
//   checker --replay < steps, one a line

#include <cstdlib>
#include <ctime>
#include <iostream>

#include "checker/report.hh"
#include "checker/search.hh"
#include "protocol.cc"
#include "scenario.hh"

namespace homeshift::engine
{

namespace
{

void
print_state(Machine &machine)
{
    std::cout << "{\"last\":[";
    const char *comma = "";
    for (unsigned node = 0; node < kNodes; ++node) {
        machine.node[node].for_each_machine([&](const char *name, auto show) {
            FieldPrinter fields;
            show(fields);
            std::cout << comma
                      << quoted(std::string(name) + ' ' +
                                std::to_string(FieldPrinter::called[node]) + ": " + fields.text);
            comma = ",";
        });
    }
    machine.single.for_each_machine([&](const char *name, auto show) {
        FieldPrinter fields;
        show(fields);
        std::cout << comma << quoted(std::string(name) + " 0: " + fields.text);
        comma = ",";
    });
    for (unsigned line = 0; line < kLines; ++line) {
        std::cout << comma
                  << quoted("memory[" + std::to_string(line) +
                            "]: " + FieldPrinter::value(world.memory[line]));
    }
    std::cout << "],\"under_way\":[";
    comma = "";
    for (unsigned i = 0; i < world.count; ++i) {
        std::cout << comma << message_json(world.messages[i]);
        comma = ",";
    }
    std::cout << "]}\n";
}

void
print_progress(const char *key, const Search &search)
{
    std::cout << "{\"" << key << "\":" << search.states() << ",\"steps\":" << search.steps
              << ",\"depth\":" << search.depth << ",\"quiet\":" << search.quiet_states
              << ",\"quiet_print\":" << search.quiet_print << ",\"messages\":" << search.widest
              << ",\"seconds\":" << search.seconds()
              << ",\"cpu_seconds\":" << static_cast<double>(std::clock()) / CLOCKS_PER_SEC
              << ",\"bytes\":" << search.bytes() << "}" << std::endl;
}

int
run(const Limits &limits, bool replay)
{
    static Machine machine;
    for (const auto &type : kTransitionTables) {
        world.taken[type.first] = type.second;
    }
    machine.start();
    std::iota(FieldPrinter::called.begin(), FieldPrinter::called.end(), Byte{0});
    static Search search(machine, limits);
    double reported = 0;
    if (replay) {
        return print_replay([&](const std::vector<std::string> &names) {
            return search.replay(names, print_step, [] { print_state(machine); });
        });
    }
    search.run([&](const Search &s) {
        if (s.seconds() - reported > 1) {
            reported = s.seconds();
            print_progress("progress", s);
        }
    });
    if (search.fault) {
        search.retrace(print_step);
        std::cout << "{\"fault\":" << quoted(search.fault->what) << "}\n";
        print_state(machine);
    }
    std::cout << "{\"covered\":[";
    for (unsigned i = 0; i < kCovers; ++i) {
        std::cout << (i == 0 ? "" : ",") << (search.covered[i] ? "true" : "false");
    }
    std::cout << "]}\n{\"taken\":[";
    const char *comma = "";
    for (const auto &[type, table] : kTransitionTables) {
        const MachineInfo &info = info_of(type);
        for (unsigned i = 0; i < info.states.size() * info.events.size(); ++i) {
            if (table[i] != 0) {
                std::cout << comma << "[\"" << info.name << "\",\""
                          << info.states[i / info.events.size()] << "\",\""
                          << info.events[i % info.events.size()] << "\"," << table[i] << ']';
                comma = ",";
            }
        }
    }
    std::cout << "]}\n";
    std::cout << "{\"complete\":" << (search.complete ? "true" : "false")
              << ",\"always_ends\":" << (search.always_ends ? "true" : "false") << "}\n";
    print_progress("states", search);
    return search.fault ? 1 : 0;
}

} // namespace

} // namespace homeshift::engine

int
main(int count, char **arguments)
{
    using namespace homeshift::engine;
    Limits limits;
    bool replay = false;
    for (int i = 1; i < count; ++i) {
        const std::string option = arguments[i];
        const auto value = [&] { return std::string(arguments[++i]); };
        const auto take = [&] {
            if (option == "--states") {
                limits.states = std::stoull(value());
            } else if (option == "--bytes") {
                limits.bytes = std::stoull(value());
            } else if (option == "--seconds") {
                limits.seconds = std::stod(value());
            } else if (option == "--no-completion") {
                limits.completion = false;
            } else if (option == "--replay") {
                replay = true;
            } else {
                return take_option(option, value);
            }
            return true;
        };
        if (!option_taken(option, take)) {
            return kBadOption;
        }
    }
    return exit_status_of([&] { return run(limits, replay); });
}
