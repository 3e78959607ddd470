// SPDX-License-Identifier: BSD-3-Clause
//
// What is called what in a machine that is checked, whatever its controllers stand on:
// the checker's runtime, or the engine's when it takes a counterexample (src/replay).

#ifndef HOMESHIFT_CHECKER_TERMS_HH
#define HOMESHIFT_CHECKER_TERMS_HH

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <string>

#include "engine/protocol_error.hh"
#include "engine/types.hh"

namespace homeshift::engine
{

#ifndef HOMESHIFT_NODES
#error "the checker is compiled for a number of nodes: define HOMESHIFT_NODES"
#endif
#ifndef HOMESHIFT_LINES
#error "the checker is compiled for a number of lines: define HOMESHIFT_LINES"
#endif
constexpr unsigned kNodes = HOMESHIFT_NODES;
constexpr unsigned kLines = HOMESHIFT_LINES;
static_assert(kNodes <= 8 && kLines <= 7);

inline unsigned
line_of(Addr address)
{
    return static_cast<unsigned>(address >> kLineShift);
}

inline Addr
address_of(unsigned line)
{
    return Addr{line} << kLineShift;
}

using Byte = std::uint8_t;

// Where a message is that nobody has taken yet.
enum Place : Byte
{
    kNetwork, // on its way
    kLocal,   // in a buffer inside its machine
    kDram,    // an operation that memory has not done yet
    kStalled, // waits for an address, by stall_and_wait
    kHanded,  // handed to its machine by a stimulus
    kBlocked, // the head of its port's buffer, which it blocks, by z_stall
};

inline unsigned
place_for(Addr address, const char *what)
{
    if (line_of(address) >= kLines) {
        throw ProtocolError(std::string(what) + " for a line that nobody has asked for");
    }
    return line_of(address);
}

// A value that a DMA has read from one line and is about to write to another, if there is one.
struct NewValue
{
    DataBlock *data = nullptr;
    Addr read_from = 0;
    Addr written_to = 0;
};

// A field is not part of the state where a scenario says that nobody reads it: overloads of this
// function, which are generated, forget what it holds.
template <typename T>
inline void
forget_unread(T &)
{}

inline Byte
byte_of(MachineID id)
{
    return id.type == MachineType_NUM ? 0 : static_cast<Byte>((id.type + 1) << 4 | id.num);
}

inline MachineID
machine_of(Byte byte)
{
    return byte == 0
               ? MachineID{}
               : MachineID{static_cast<MachineType>((byte >> 4) - 1), std::uint16_t(byte & 15)};
}

// A value with parts shows them to a visitor: by for_each_field (what SLICC declares) or by
// for_each_variable (what the checker provides).
template <typename T, typename Visit>
concept has_parts = std::is_array_v<T> || requires(T &value, Visit &visit) {
    value.for_each_variable(visit);
} || requires(T &value, Visit &visit) { value.for_each_field(visit); };

template <typename Visit, typename T>
void
show_parts(Visit &visit, const char *name, T &value)
{
    if constexpr (std::is_array_v<T>) {
        for (auto &part : value) {
            visit(name, part);
        }
    } else if constexpr (requires { value.for_each_variable(visit); }) {
        value.for_each_variable(visit);
    } else {
        value.for_each_field(visit);
    }
}

// Which machine types have a machine in every node: generated.
constexpr bool is_per_node(MachineType type);

// How many machines of a type there are: generated.
unsigned machines_of(MachineType type);

// Whether a machine of this type asks a home for lines, for a core or a device: generated.
constexpr bool asks(MachineType type);

// The node of a machine; kNodes if it is not in one.
inline unsigned
node_of(MachineID id)
{
    return is_per_node(id.type) ? id.num : kNodes;
}

// Names of message types: generated.
template <typename T>
const char *name_of_type();

// "Machine.cache" -> lines that there is room for, as asked for by option.
inline std::map<std::string, unsigned> asked_capacities;

inline unsigned
capacity_of(const char *cache, unsigned otherwise)
{
    const auto at = asked_capacities.find(cache);
    return std::min(at == asked_capacities.end() ? otherwise : at->second, kLines);
}

} // namespace homeshift::engine

#endif // HOMESHIFT_CHECKER_TERMS_HH
