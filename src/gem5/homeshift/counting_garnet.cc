// SPDX-License-Identifier: BSD-3-Clause

#include "homeshift/counting_garnet.hh"

#include "base/cprintf.hh"
#include "homeshift/version_shim.hh"
#include "mem/ruby/common/Consumer.hh"
#include "mem/ruby/network/MessageBuffer.hh"
#include "mem/ruby/slicc_interface/Message.hh"

namespace gem5
{

namespace ruby
{

// Takes the messages of one queue, and hands them on.
class CountingGarnet::Counter : public Consumer
{
  public:
    Counter(CountingGarnet &network, unsigned controller, MessageBuffer &from, MessageBuffer &to)
        : Consumer(&network), network(network), controller(controller), from(from), to(to)
    {
        from.setConsumer(this);
    }

    void
    wakeup() override
    {
        const Tick now = network.clockEdge();
        while (from.isReady(now)) {
            const MsgPtr message = from.peekMsgPtr();
            network.count(*message, controller);
            from.dequeue(now);
            shim::enqueue(to, message, now, 0, network.params().ruby_system);
        }
    }

    void
    print(std::ostream &out) const override
    {
        ccprintf(out, "[messages of controller %d enter the network]", controller);
    }

  private:
    CountingGarnet &network;
    const unsigned controller;
    MessageBuffer &from;
    MessageBuffer &to;
};

CountingGarnet::CountingGarnet(const Params &p)
    : garnet::GarnetNetwork(p),
      MessageCounts(this),
      nodes(p.nodes),
      nodeOf(p.node_of),
      linksBetween(p.links_between),
      entries(p.entries)
{}

CountingGarnet::~CountingGarnet() = default;

void
CountingGarnet::init()
{
    const size_t networks = getNumberOfVirtualNetworks();
    fatal_if(nodeOf.size() != m_toNetQueues.size() || linksBetween.size() != nodes * nodes ||
                 entries.size() != nodeOf.size() * networks,
             "%s: node_of, links_between and entries do not fit the network", name());
    for (size_t controller = 0; controller < m_toNetQueues.size(); ++controller) {
        auto &queues = m_toNetQueues[controller];
        for (size_t network = 0; network < queues.size(); ++network) {
            if (queues[network] != nullptr) {
                MessageBuffer *entry = entries[controller * networks + network];
                counters.push_back(
                    std::make_unique<Counter>(*this, controller, *queues[network], *entry));
                queues[network] = entry;
            }
        }
    }
    garnet::GarnetNetwork::init();
}

void
CountingGarnet::count(const Message &message, unsigned controller)
{
    const unsigned size = message.getMessageSize();
    const unsigned from = nodeOf[controller];
    unsigned crossed = 0;
    NetDest destination = message.getDestination();
    for (NodeID to : destination.getAllDest()) {
        crossed += linksBetween[from * nodes + nodeOf.at(to)];
    }
    ++counts.allMessages[size];
    counts.betweenNodes[size] += crossed != 0;
    counts.linkMessages[size] += crossed;
}

bool
CountingGarnet::functionalRead(Packet *packet, WriteMask &mask)
{
    bool read = garnet::GarnetNetwork::functionalRead(packet, mask);
    for (MessageBuffer *entry : entries) {
        read = entry->functionalRead(packet, mask) || read;
    }
    return read;
}

uint32_t
CountingGarnet::functionalWrite(Packet *packet)
{
    uint32_t written = garnet::GarnetNetwork::functionalWrite(packet);
    for (MessageBuffer *entry : entries) {
        written += entry->functionalWrite(packet);
    }
    return written;
}

} // namespace ruby
} // namespace gem5
