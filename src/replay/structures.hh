// SPDX-License-Identifier: BSD-3-Clause
//
// The engine's tables, as a node of a scenario has them.

#ifndef HOMESHIFT_REPLAY_STRUCTURES_HH
#define HOMESHIFT_REPLAY_STRUCTURES_HH

#include <bit>
#include <stdexcept>
#include <vector>

#include "engine/structures.hh"
#include "replay/controller.hh"

namespace homeshift::engine
{

// A region a node: all lines are of the first one.
constexpr std::uint64_t kNodeBytes = 4096;
constexpr unsigned kRegionShift = 12;

// A cache with room for all lines has a set for each. So it evicts one only when another line comes
// to its set: the request that evicts is for this other line.
constexpr unsigned kSets = std::bit_ceil(kLines);

inline Addr
evicts(unsigned line)
{
    return address_of(line + kSets);
}

template <typename Table, typename T>
class Holding;

template <typename T>
class Holding<CacheMemory, T> final : public CacheMemory
{
  public:
    explicit Holding(unsigned capacity)
        : CacheMemory((capacity < kLines ? 1 : kSets) * kLineBytes, 1, kNodes * kNodeBytes,
                      the_queue.now())
    {
        if (capacity != 1 && capacity < kLines) {
            throw std::invalid_argument(
                "the engine cannot take steps of a cache with room for "
                "more than one of its lines, but not for all");
        }
    }

    T *
    find(unsigned line)
    {
        return static_cast<T *>(lookup(address_of(line)));
    }
};

template <typename T>
class Holding<DirectoryMemory, T> final : public DirectoryMemory
{
  public:
    T *
    find(unsigned line)
    {
        return static_cast<T *>(lookup(address_of(line)));
    }
};

template <typename T>
class Holding<HomeDirectory, T> final : public HomeDirectory
{
  public:
    Holding() : HomeDirectory(kNodes * kNodeBytes, kRegionShift)
    {}

    T *
    find(unsigned line)
    {
        return static_cast<T *>(lookup(address_of(line)));
    }

    bool
    isAside(Addr line)
    {
        const Region *region = regions_.find(line >> kRegionShift);
        for (std::uint32_t number = region == nullptr ? kNone : region->aside; number != kNone;
             number = node(number).next) {
            if (node(number).line == line) {
                return true;
            }
        }
        return false;
    }
};

class NodeHomeTable;

inline std::vector<NodeHomeTable *> home_tables;

class NodeHomeTable final : public HomeTable
{
  public:
    NodeHomeTable()
        : HomeTable(HomeMap(kNodes * kNodeBytes, kNodeBytes, kNodeBytes), 0, 1, kNodes,
                    the_queue.now())
    {
        home_tables.push_back(this);
    }

    bool
    take_fault(Addr line)
    {
        bool taken = false;
        for (unsigned core = 0; core < kNodes; ++core) {
            taken |= HomeTable::take_fault(createMachineID(MachineType_L1Cache, core), line);
        }
        return taken;
    }
};

// Whether a core gets an access fault for a line, in this step.
inline bool
faulted(Addr address)
{
    return std::any_of(home_tables.begin(), home_tables.end(),
                       [address](NodeHomeTable *table) { return table->take_fault(address); });
}

} // namespace homeshift::engine

#endif // HOMESHIFT_REPLAY_STRUCTURES_HH
