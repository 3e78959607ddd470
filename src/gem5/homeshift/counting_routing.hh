// SPDX-License-Identifier: BSD-3-Clause
//
// gem5 counts what crosses each link. Over several links one message counts several
// times, and in a ring or a mesh nobody can tell what a node sends from what passes
// through. This counts a message where it enters the network.

#ifndef HOMESHIFT_GEM5_COUNTING_ROUTING_HH
#define HOMESHIFT_GEM5_COUNTING_ROUTING_HH

#include <set>
#include <vector>

#include "homeshift/message_counts.hh"
#include "mem/ruby/common/NetDest.hh"
#include "mem/ruby/network/MessageBuffer.hh"
#include "mem/ruby/network/simple/routing/WeightBased.hh"
#include "mem/ruby/slicc_interface/Message.hh"
#include "params/CountingRouting.hh"

namespace gem5
{

namespace ruby
{

// Its counts are those of its router.
class CountingRouting : public WeightBased, public MessageCounts
{
  public:
    PARAMS(CountingRouting);
    CountingRouting(const Params &p);

    void addOutPort(LinkID link, const std::vector<MessageBuffer *> &buffers,
                    const NetDest &destinations, const PortDirection &direction,
                    int weight) override;

    void route(const Message &message, int vnet, bool deterministic,
               std::vector<RouteInfo> &links) override;

  private:
    bool enters(const Message &message) const;

    const std::vector<MessageBuffer *> entries; // of controllers
    std::set<LinkID> outer;                     // links to other routers
};

} // namespace ruby
} // namespace gem5

#endif // HOMESHIFT_GEM5_COUNTING_ROUTING_HH
