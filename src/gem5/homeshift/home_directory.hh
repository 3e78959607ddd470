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

class HomeDirectory : public SimObject, public ::homeshift::LineDirectory<AbstractCacheEntry>
{
  public:
    PARAMS(HomeDirectory);
    HomeDirectory(const Params &p);

    // Both hide those of LineDirectory, which they call.
    AbstractCacheEntry *allocate(Addr line, AbstractCacheEntry *entry);
    void setHome(Addr address, bool home);

    bool isFenced(Addr address, MachineID machine) const;
    NetDest fenced(Addr address) const;
    void setFenced(Addr address, const NetDest &machines);

  private:
    RubySystem *const system;
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
