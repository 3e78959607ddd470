// SPDX-License-Identifier: BSD-3-Clause

#ifndef HOMESHIFT_ENGINE_MACHINE_INFO_HH
#define HOMESHIFT_ENGINE_MACHINE_INFO_HH

#include <span>
#include <string>

namespace homeshift::engine
{

// What SLICC says about a machine, for messages and statistics.
struct MachineInfo
{
    const char *name;
    std::span<const char *const> states;
    std::span<const char *const> events;
    std::span<const char *const> event_positions; // file:line:column

    // The text of an error; where: the address or the line.
    std::string
    no_transition(unsigned state, unsigned event, const std::string &where) const
    {
        return std::string(event_positions[event]) + ": error: event '" + events[event] +
               "' has no transition from state '" + states[state] + "' (" + where + ')';
    }
};

} // namespace homeshift::engine

#endif // HOMESHIFT_ENGINE_MACHINE_INFO_HH
