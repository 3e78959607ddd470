// SPDX-License-Identifier: BSD-3-Clause
//
// A node's home table, and a count of where the node's misses were served.

#ifndef HOMESHIFT_GEM5_HOME_TABLE_HH
#define HOMESHIFT_GEM5_HOME_TABLE_HH

#include "base/statistics.hh"
#include "base/types.hh"
#include "common/home_map.hh"
#include "mem/ruby/common/MachineID.hh"
#include "mem/ruby/common/TypeDefines.hh"
#include "params/HomeTable.hh"
#include "sim/sim_object.hh"

namespace gem5
{

namespace ruby
{

class HomeTable : public SimObject
{
  public:
    PARAMS(HomeTable);
    HomeTable(const Params &p);

    NodeID
    lookup(Addr address) const
    {
        return map.lookup(address);
    }

    void set(Addr address, NodeID node);

    Addr
    region(Addr address) const
    {
        return map.region(address);
    }

    // sender: who supplied the data; home: who ordered the request.
    void profileService(MachineID sender, MachineID home);

    uint64_t servedRemotely() const;

  private:
    ::homeshift::HomeMap map;
    const NodeID node;
    const unsigned coresPerNode;

    struct Stats : public statistics::Group
    {
        Stats(statistics::Group *parent);
        statistics::Scalar servedLocally;
        statistics::Scalar servedRemotely;
    } stats;
};

} // namespace ruby
} // namespace gem5

#endif // HOMESHIFT_GEM5_HOME_TABLE_HH
