// SPDX-License-Identifier: BSD-3-Clause
//
// Values for people: the fields of a message or of a machine, as "name value" pairs.

#ifndef HOMESHIFT_CHECKER_PRINTER_HH
#define HOMESHIFT_CHECKER_PRINTER_HH

#include <algorithm>
#include <string>
#include <vector>

#include "checker/values.hh"

namespace homeshift::engine
{

// Names of the values of enumerations: the overloads are generated.
inline std::string
name_of(unsigned value)
{
    return std::to_string(value);
}

class FieldPrinter
{
  public:
    // Nodes change places from state to state; here is what a trace calls them.
    static inline std::array<Byte, 16> called{};

    std::string text;

    static std::string
    machine(MachineID id)
    {
        if (id.type >= MachineType_NUM) {
            return "none";
        }
        return std::string(kMachineTypeNames[id.type]) + ' ' +
               std::to_string(is_per_node(id.type) ? called[id.num] : id.num);
    }

    static std::string
    value(Byte token)
    {
        return token < kLast      ? "old"
               : token < kRecent  ? "last"
               : token < kPending ? "recent"
                                  : "new";
    }

    template <typename T>
    void
    operator()(const char *name, T &value)
    {
        if constexpr (
            requires { value.isPresent(Addr{}); } || requires { value.isTagPresent(Addr{}); }) {
            table(name, value);
        } else if constexpr (has_parts<T, FieldPrinter>) {
            show_parts(*this, name, value);
        } else {
            text += text.empty() ? "" : ", ";
            text += std::string(name) + ' ' + print(value);
        }
    }

  private:
    template <typename T>
    void
    table(const char *name, T &value)
    {
        for (unsigned line = 0; line < kLines; ++line) {
            if (auto *entry = value.find(line)) {
                text += (text.empty() ? "" : ", ") + std::string(name) + '[' +
                        std::to_string(line) + "] {";
                FieldPrinter inside;
                inside("", *entry);
                text += inside.text + '}';
            }
        }
    }

    template <typename T>
    static std::string
    print(T &value)
    {
        if constexpr (std::is_same_v<T, bool>) {
            return value ? "yes" : "no";
        } else if constexpr (std::is_enum_v<T>) {
            return name_of(value);
        } else if constexpr (std::is_same_v<T, Addr>) {
            return std::to_string(line_of(value));
        } else if constexpr (std::is_same_v<T, NodeID>) {
            return value < kNodes ? std::to_string(called[value]) : "none";
        } else if constexpr (std::is_same_v<T, MachineID>) {
            return machine(value);
        } else if constexpr (std::is_same_v<T, DataBlock>) {
            return FieldPrinter::value(static_cast<Byte>(value.token));
        } else if constexpr (std::is_same_v<T, NetDest>) {
            std::vector<std::string> members;
            value.for_each([&](MachineID id) { members.push_back(machine(id)); });
            std::sort(members.begin(), members.end()); // by what they are called
            std::string all;
            for (const std::string &member : members) {
                all += (all.empty() ? "" : " ") + member;
            }
            return '{' + all + '}';
        } else {
            return std::to_string(value);
        }
    }
};

} // namespace homeshift::engine

#endif // HOMESHIFT_CHECKER_PRINTER_HH
