// SPDX-License-Identifier: BSD-3-Clause

#include "homeshift/counting_routing.hh"

#include "mem/ruby/slicc_interface/Message.hh"

namespace gem5
{

namespace ruby
{

namespace
{

// A message that has been seen by a router carries its own time of birth where SimpleNetwork
// keeps nothing (Garnet keeps its link there). Another message in the same memory has another one.
int
mark(const Message &message)
{
    return static_cast<int>(static_cast<uint32_t>(message.getTime()));
}

} // namespace

CountingRouting::CountingRouting(const Params &p) : WeightBased(p), stats(this)
{
    // A Switch resets its own statistics, but not those of its children.
    statistics::registerResetCallback([this] { stats.resetStats(); });
}

void
CountingRouting::addOutPort(LinkID link, const std::vector<MessageBuffer *> &buffers,
                            const NetDest &destinations, const PortDirection &direction, int weight)
{
    if (!direction.empty()) {
        outer.insert(link);
    }
    WeightBased::addOutPort(link, buffers, destinations, direction, weight);
}

void
CountingRouting::route(const Message &message, int vnet, bool deterministic,
                       std::vector<RouteInfo> &links)
{
    WeightBased::route(message, vnet, deterministic, links);

    const unsigned size = message.getMessageSize();
    unsigned leaving = 0;
    for (const RouteInfo &link : links) {
        leaving += outer.count(link.m_link_id);
    }
    stats.linkMessages[size] += leaving;
    if (message.getIncomingLink() != mark(message)) {
        const_cast<Message &>(message).setIncomingLink(mark(message));
        ++stats.allMessages[size];
        stats.betweenNodes[size] += leaving != 0;
    }
}

} // namespace ruby
} // namespace gem5
