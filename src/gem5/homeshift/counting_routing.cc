// SPDX-License-Identifier: BSD-3-Clause

#include "homeshift/counting_routing.hh"

#include <algorithm>

#include "mem/ruby/network/MessageBuffer.hh"
#include "mem/ruby/slicc_interface/Message.hh"

namespace gem5
{

namespace ruby
{

CountingRouting::CountingRouting(const Params &p)
    : WeightBased(p), MessageCounts(this), entries(p.entries)
{}

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
    counts.linkMessages[size] += leaving;
    if (enters(message)) {
        ++counts.allMessages[size];
        counts.betweenNodes[size] += leaving != 0;
    }
}

// A switch asks for the way of a message before it takes it out of its buffer; once, since what
// follows has room for any number.
bool
CountingRouting::enters(const Message &message) const
{
    return std::any_of(entries.begin(), entries.end(), [&message](const MessageBuffer *buffer) {
        return !buffer->isEmpty() && buffer->peekMsgPtr().get() == &message;
    });
}

} // namespace ruby
} // namespace gem5
