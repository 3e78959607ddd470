// SPDX-License-Identifier: BSD-3-Clause
//
// A message as JSON.

#ifndef HOMESHIFT_CHECKER_MESSAGE_JSON_HH
#define HOMESHIFT_CHECKER_MESSAGE_JSON_HH

#include <string>

#include "checker/printer.hh"

namespace homeshift::engine
{

inline std::string
quoted(const std::string &text)
{
    std::string out = "\"";
    for (char c : text) {
        if (c == '"' || c == '\\') {
            out += '\\';
        }
        out += c == '\n' ? ' ' : c;
    }
    return out + '"';
}

// What is told of a message besides where it is. A runtime has `Shown show(const Travelling &)`.
struct Shown
{
    const char *type;
    std::string fields;
};

template <typename Travelling>
std::string
message_json(const Travelling &message)
{
    static const char *const places[] = {"network", "local",  "memory",
                                         "stalled", "handed", "blocked"};
    const Shown shown = show(message);
    return "{\"type\":" + quoted(shown.type) +
           ",\"to\":" + quoted(FieldPrinter::machine(machine_of(message.machine))) +
           ",\"place\":" + quoted(places[message.place]) +
           ",\"via\":" + std::to_string(message.via) + ",\"fields\":" + quoted(shown.fields) + '}';
}

} // namespace homeshift::engine

#endif // HOMESHIFT_CHECKER_MESSAGE_JSON_HH
