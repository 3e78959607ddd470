// SPDX-License-Identifier: BSD-3-Clause

#include "homeshift/home_table.hh"

#include <algorithm>

#include "homeshift/version_shim.hh"

namespace gem5
{

namespace ruby
{

namespace
{

uint64_t
numberOf(MachineID machine)
{
    return static_cast<uint64_t>(machine.getType()) << 32 | machine.getNum();
}

} // namespace

HomeTable::HomeTable(const Params &p)
    : SimObject(p),
      SharedHomeMap(::homeshift::HomeMap(p.memory_size, p.node_size, p.region_size)),
      system(p.ruby_system),
      node(p.node),
      coresPerNode(p.cores_per_node),
      stats(this)
{}

NodeID
HomeTable::lookup(MachineID machine, Addr address) const
{
    return SharedHomeMap::lookup(numberOf(machine), address, system->curCycle());
}

void
HomeTable::set(MachineID machine, Addr address, NodeID home)
{
    learn(numberOf(machine), address, home, system->curCycle());
}

void
HomeTable::profileService(MachineID core, Addr line, MachineID sender, MachineID home)
{
    const NodeID from =
        sender.getType() == MachineType_L1Cache ? sender.getNum() / coresPerNode : sender.getNum();
    if (from == node && home.getNum() == node) {
        ++stats.servedLocally;
    } else {
        ++stats.servedRemotely;
        if (notesAnswers) {
            remote.add(core.getNum(), line);
        }
    }
}

NetDest
HomeTable::machinesOf(NodeID of) const
{
    NetDest machines = shim::noMachines(system);
    // The last nodes may have fewer cores, or none.
    const NodeID end = std::min((of + 1) * coresPerNode, shim::count(MachineType_L1Cache, system));
    for (NodeID cache = of * coresPerNode; cache < end; ++cache) {
        machines.add(MachineID{MachineType_L1Cache, cache});
    }
    machines.add(MachineID{MachineType_DMA, of});
    return machines;
}

void
HomeTable::accessFault(MachineID core, Addr line)
{
    if (notesAnswers) {
        faults.add(core.getNum(), line);
    }
}

bool
HomeTable::takeFault(unsigned core, Addr line)
{
    return faults.take(node * coresPerNode + core, line);
}

bool
HomeTable::takeRemote(unsigned core, Addr line)
{
    return remote.take(node * coresPerNode + core, line);
}

HomeTable::Stats::Stats(statistics::Group *parent)
    : statistics::Group(parent),
      ADD_STAT(servedLocally, statistics::units::Count::get(),
               "Misses of this node with home and data supplier in the node"),
      ADD_STAT(servedRemotely, statistics::units::Count::get(),
               "Misses of this node with home or data supplier in another node")
{}

} // namespace ruby
} // namespace gem5
