// SPDX-License-Identifier: BSD-3-Clause

#include "homeshift/home_directory.hh"

#include "base/intmath.hh"
#include "base/trace.hh"
#include "debug/HomeTransfer.hh"
#include "homeshift/version_shim.hh"

namespace gem5
{

namespace ruby
{

HomeDirectory::HomeDirectory(const Params &p)
    : SimObject(p),
      LineDirectory(p.memory_size, floorLog2(p.region_size)),
      system(p.ruby_system),
      shift(floorLog2(p.region_size)),
      stats(this, *this)
{
    for (Addr region = p.node * p.node_size; region < (p.node + 1) * p.node_size;
         region += p.region_size) {
        LineDirectory::setHome(region, true);
    }
}

AbstractCacheEntry *
HomeDirectory::allocate(Addr line, AbstractCacheEntry *entry)
{
    entry->m_Address = line;
    shim::initialise(*entry, system);
    return LineDirectory::allocate(line, entry);
}

void
HomeDirectory::setHome(Addr address, bool home)
{
    DPRINTF(HomeTransfer, "%s the home of the region of %#x\n", home ? "becomes" : "is no longer",
            address);
    LineDirectory::setHome(address, home);
}

bool
HomeDirectory::isFenced(Addr address, MachineID machine) const
{
    if (fences.empty()) {
        return false;
    }
    const auto found = fences.find(address >> shift);
    return found != fences.end() && found->second.isElement(machine);
}

NetDest
HomeDirectory::fenced(Addr address) const
{
    const auto found = fences.find(address >> shift);
    return found != fences.end() ? found->second : shim::noMachines(system);
}

void
HomeDirectory::setFenced(Addr address, const NetDest &machines)
{
    if (machines.isEmpty()) {
        fences.erase(address >> shift);
    } else {
        DPRINTF(HomeTransfer, "refuses %s the region of %#x\n", machines, address);
        fences[address >> shift] = machines;
    }
}

HomeDirectory::Stats::Stats(statistics::Group *parent, HomeDirectory &directory)
    : statistics::Group(parent),
      ADD_STAT(entries, statistics::units::Count::get(),
               "Lines with a record at this home, at the end")
{
    entries.functor([&directory] { return directory.size(); });
}

} // namespace ruby
} // namespace gem5
