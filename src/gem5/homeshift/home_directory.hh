// SPDX-License-Identifier: BSD-3-Clause
//
// The directory of a home agent. It owns the entries that it is given. And who has no right to
// which of the agent's regions.

#ifndef HOMESHIFT_GEM5_HOME_DIRECTORY_HH
#define HOMESHIFT_GEM5_HOME_DIRECTORY_HH

#include <string>
#include <unordered_map>

#include "base/statistics.hh"
#include "base/types.hh"
#include "common/line_directory.hh"
#include "mem/ruby/common/MachineID.hh"
#include "mem/ruby/common/NetDest.hh"
#include "mem/ruby/slicc_interface/AbstractCacheEntry.hh"
#include "params/HomeDirectory.hh"
#include "sim/sim_object.hh"

namespace gem5
{

namespace ruby
{

class RubySystem;

class HomeDirectory : public SimObject
{
  public:
    PARAMS(HomeDirectory);
    HomeDirectory(const Params &p);

    AbstractCacheEntry *
    lookup(Addr line)
    {
        return records.lookup(line);
    }

    AbstractCacheEntry *allocate(Addr line, AbstractCacheEntry *entry);

    void
    deallocate(Addr line)
    {
        records.deallocate(line);
    }

    bool
    isHome(Addr address) const
    {
        return records.isHome(address);
    }

    void setHome(Addr address, bool home);

    // Records of the region that holds an address, and the line of the oldest of them.
    int
    entries(Addr address)
    {
        return records.entries(address);
    }

    Addr
    firstEntry(Addr address)
    {
        return records.firstEntry(address);
    }

    // While the region's home moves; see common/line_directory.hh.
    void
    setAside(Addr line)
    {
        records.setAside(line);
    }

    void
    restore(Addr address)
    {
        records.restore(address);
    }

    void
    forget(Addr address)
    {
        records.forget(address);
    }

    void
    rotate(Addr address)
    {
        records.rotate(address);
    }

    bool isFenced(Addr address, MachineID machine) const;
    NetDest fenced(Addr address) const;
    void setFenced(Addr address, const NetDest &machines);

    uint64_t
    size() const
    {
        return records.size();
    }

    // Visits (line, entry) in no particular order.
    template <typename Visit>
    void
    forEach(Visit visit)
    {
        records.for_each(visit);
    }

  private:
    RubySystem *const system;
    ::homeshift::LineDirectory<AbstractCacheEntry> records;
    const unsigned shift;
    // By region; most have none. (A FlatMap would make sets before gem5 knows their size.)
    std::unordered_map<Addr, NetDest> fences;

    struct Stats : public statistics::Group
    {
        Stats(statistics::Group *parent, HomeDirectory &directory);
        statistics::Value entries;
    } stats;
};

} // namespace ruby
} // namespace gem5

#endif // HOMESHIFT_GEM5_HOME_DIRECTORY_HH
