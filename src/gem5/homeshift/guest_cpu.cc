// SPDX-License-Identifier: BSD-3-Clause

#include "homeshift/guest_cpu.hh"

#include "base/logging.hh"
#include "homeshift/home_table.hh"
#include "homeshift/virtual_machine.hh"

namespace gem5
{

GuestCpu::GuestCpu(const Params &p)
    : ClockedObject(p), vm(*p.vm), stats(this), homeTables(p.home_tables), coreOfNode(p.core)
{
    vm.add(this);
    for (ruby::HomeTable *table : homeTables) {
        table->noteAnswers();
    }
}

Port &
GuestCpu::getPort(const std::string &port, PortID index)
{
    if (port == "cores") {
        return *ports.at(index);
    }
    return ClockedObject::getPort(port, index);
}

void
GuestCpu::start(unsigned node)
{
    fatal_if(node >= ports.size(), "%s has no core on node %d", name(), node);
    core = ports[node].get();
    homeTable = homeTables.at(node);
    go();
}

bool
GuestCpu::takeFault(Addr line)
{
    return homeTable->takeFault(coreOfNode, line);
}

bool
GuestCpu::takeRemote(Addr line)
{
    return homeTable->takeRemote(coreOfNode, line);
}

uint64_t
GuestCpu::accesses() const
{
    return stats.numLoads.value() + stats.numStores.value();
}

uint64_t
GuestCpu::remoteAccesses() const
{
    return stats.numRemote.value();
}

uint64_t
GuestCpu::latency() const
{
    return stats.totalLatency.value();
}

GuestCpu::Stats::Stats(statistics::Group *parent)
    : statistics::Group(parent),
      ADD_STAT(numLoads, statistics::units::Count::get(), "Loads and instruction fetches done"),
      ADD_STAT(numStores, statistics::units::Count::get(), "Stores and atomic operations done"),
      ADD_STAT(numRemote, statistics::units::Count::get(),
               "Loads and stores that needed another node, as home or for the data"),
      ADD_STAT(totalLatency, statistics::units::Tick::get(),
               "Time from issue to answer, summed over all accesses"),
      ADD_STAT(blockedTime, statistics::units::Tick::get(),
               "Time spent waiting for pages that had not arrived")
{}

} // namespace gem5
