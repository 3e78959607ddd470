// SPDX-License-Identifier: BSD-3-Clause
//
// Garnet counts flits. What a migration causes can be told from the rest by a message's
// size type only, so this counts messages where they enter the network: each queue of a
// controller ends here, and its messages go on, in the same tick, to an entry of our own.

#ifndef HOMESHIFT_GEM5_COUNTING_GARNET_HH
#define HOMESHIFT_GEM5_COUNTING_GARNET_HH

#include <memory>
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

class CountingGarnet : public garnet::GarnetNetwork, public MessageCounts
{
  public:
    PARAMS(CountingGarnet);
    CountingGarnet(const Params &p);
    ~CountingGarnet();

    void init() override;

    // Messages may wait in the entries for a free virtual channel.
    bool functionalRead(Packet *packet, WriteMask &mask) override;
    uint32_t functionalWrite(Packet *packet) override;

  private:
    class Counter;

    void count(const Message &message, unsigned controller);

    const unsigned nodes;
    const std::vector<unsigned> nodeOf;
    const std::vector<unsigned> linksBetween;
    const std::vector<MessageBuffer *> entries;
    std::vector<std::unique_ptr<Counter>> counters;
};

} // namespace ruby
} // namespace gem5

#endif // HOMESHIFT_GEM5_COUNTING_GARNET_HH
