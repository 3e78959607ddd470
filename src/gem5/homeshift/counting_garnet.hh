// SPDX-License-Identifier: BSD-3-Clause
//
// Garnet counts flits. What a migration causes can be told from the rest by a message's
// size type only, so this counts messages where they enter the network: each queue of a
// controller ends here, and its messages go on, in the same tick, to an entry of our own.

#ifndef HOMESHIFT_GEM5_COUNTING_GARNET_HH
#define HOMESHIFT_GEM5_COUNTING_GARNET_HH

#include <memory>
#include <string>
#include <vector>

#include "homeshift/message_counts.hh"
#include "mem/ruby/network/MessageBuffer.hh"
#include "mem/ruby/network/garnet/GarnetNetwork.hh"
#include "mem/ruby/slicc_interface/Message.hh"
#include "params/CountingGarnet.hh"

namespace gem5
{

namespace ruby
{

class CountingGarnet : public garnet::GarnetNetwork
{
  public:
    PARAMS(CountingGarnet);
    CountingGarnet(const Params &p);
    ~CountingGarnet();

    void init() override;

    // Messages may wait in the entries for a free virtual channel.
    bool functionalRead(Packet *packet, WriteMask &mask) override;
    uint32_t functionalWrite(Packet *packet) override;

    std::vector<std::string>
    sizeTypes() const
    {
        return MessageCounts::sizeTypes();
    }

    std::vector<uint64_t>
    allMessages() const
    {
        return MessageCounts::values(counts.allMessages);
    }

    std::vector<uint64_t>
    betweenNodes() const
    {
        return MessageCounts::values(counts.betweenNodes);
    }

    std::vector<uint64_t>
    linkMessages() const
    {
        return MessageCounts::values(counts.linkMessages);
    }

  private:
    class Counter;

    void count(const Message &message, unsigned controller);

    const unsigned nodes;
    const std::vector<unsigned> nodeOf;
    const std::vector<unsigned> linksBetween;
    const std::vector<MessageBuffer *> entries;
    std::vector<std::unique_ptr<Counter>> counters;
    MessageCounts counts;
};

} // namespace ruby
} // namespace gem5

#endif // HOMESHIFT_GEM5_COUNTING_GARNET_HH
