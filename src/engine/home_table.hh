// SPDX-License-Identifier: BSD-3-Clause
//
// A node's home table, a count of where the node's misses were served, and what is known of the
// answers that its cores are about to get.

#ifndef HOMESHIFT_ENGINE_HOME_TABLE_HH
#define HOMESHIFT_ENGINE_HOME_TABLE_HH

#include <algorithm>
#include <cstdint>

#include "common/answer_notes.hh"
#include "common/home_map.hh"
#include "engine/types.hh"

namespace homeshift::engine
{

class HomeTable : public SharedHomeMap
{
  public:
    // caches: of all nodes; the last nodes may have none.
    HomeTable(const HomeMap &map, unsigned node, unsigned cores_per_node, unsigned caches,
              const Cycle &now)
        : SharedHomeMap(map),
          node_(node),
          cores_per_node_(cores_per_node),
          caches_(caches),
          now_(now)
    {}

    NodeID
    lookup(MachineID machine, Addr address) const
    {
        return SharedHomeMap::lookup(number_of(machine), address, now_);
    }

    void
    set(MachineID machine, Addr address, NodeID home)
    {
        learn(number_of(machine), address, home, now_);
    }

    // A core's miss is served. sender: who supplied the data; home: who ordered the request.
    void
    profileService(MachineID core, Addr line, MachineID sender, MachineID home)
    {
        const unsigned from =
            sender.type == MachineType_L1Cache ? sender.num / cores_per_node_ : sender.num;
        if (from == node_ && home.num == node_) {
            ++served_locally;
        } else {
            ++served_remotely;
            remote_.add(core.num, line);
        }
    }

    // What a node asks with: its caches and its DMA.
    NetDest
    machinesOf(NodeID node) const
    {
        NetDest machines;
        const unsigned end = std::min((node + 1) * cores_per_node_, caches_);
        for (unsigned cache = node * cores_per_node_; cache < end; ++cache) {
            machines.add(createMachineID(MachineType_L1Cache, cache));
        }
        machines.add(createMachineID(MachineType_DMA, node));
        return machines;
    }

    // The answer that the core gets next for this line is an access fault.
    void
    accessFault(MachineID core, Addr line)
    {
        faults_.add(core.num, line);
    }

    // Whether the core's answer for a line is a fault; whether it took another node. The note is
    // gone afterwards.
    bool
    take_fault(MachineID core, Addr line)
    {
        return faults_.take(core.num, line);
    }

    bool
    take_remote(MachineID core, Addr line)
    {
        return remote_.take(core.num, line);
    }

    std::uint64_t served_locally = 0;
    std::uint64_t served_remotely = 0;

  private:
    static std::uint64_t
    number_of(MachineID machine)
    {
        return std::uint64_t{machine.type} << 32 | machine.num;
    }

    unsigned node_;
    unsigned cores_per_node_;
    unsigned caches_;
    const Cycle &now_;
    AnswerNotes faults_;
    AnswerNotes remote_;
};

} // namespace homeshift::engine

#endif // HOMESHIFT_ENGINE_HOME_TABLE_HH
