// SPDX-License-Identifier: BSD-3-Clause

#include "homeshift/counting_routing.hh"

#include "mem/ruby/protocol/MessageSizeType.hh"
#include "mem/ruby/slicc_interface/Message.hh"

namespace gem5
{

namespace ruby
{

namespace
{

std::vector<uint64_t>
values(const statistics::Vector &vector)
{
    std::vector<uint64_t> result;
    for (unsigned i = 0; i < MessageSizeType_NUM; ++i) {
        result.push_back(const_cast<statistics::Vector &>(vector)[i].value());
    }
    return result;
}

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

std::vector<std::string>
CountingRouting::sizeTypes() const
{
    std::vector<std::string> names;
    for (unsigned i = 0; i < MessageSizeType_NUM; ++i) {
        names.push_back(MessageSizeType_to_string(static_cast<MessageSizeType>(i)));
    }
    return names;
}

std::vector<uint64_t>
CountingRouting::allMessages() const
{
    return values(stats.allMessages);
}

std::vector<uint64_t>
CountingRouting::betweenNodes() const
{
    return values(stats.betweenNodes);
}

std::vector<uint64_t>
CountingRouting::linkMessages() const
{
    return values(stats.linkMessages);
}

CountingRouting::Stats::Stats(statistics::Group *parent)
    : statistics::Group(parent),
      ADD_STAT(allMessages, statistics::units::Count::get(),
               "Messages that entered the network at this router, by size"),
      ADD_STAT(betweenNodes, statistics::units::Count::get(),
               "Messages that entered the network here and left the node, by size"),
      ADD_STAT(linkMessages, statistics::units::Count::get(),
               "Messages that left this router for another one, by size")
{
    for (statistics::Vector *vector : {&allMessages, &betweenNodes, &linkMessages}) {
        vector->init(MessageSizeType_NUM).flags(statistics::nozero | statistics::total);
        for (unsigned i = 0; i < MessageSizeType_NUM; ++i) {
            vector->subname(i, MessageSizeType_to_string(static_cast<MessageSizeType>(i)));
        }
    }
}

} // namespace ruby
} // namespace gem5
