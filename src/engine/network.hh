// SPDX-License-Identifier: BSD-3-Clause
//
// The interconnect: one router a node, and more if links lead to more; links with
// latency and bandwidth, as in gem5's SimpleNetwork. A message reaches its node's
// router with its sender's latency. Every router takes router_latency. Then
//
//   to a controller of the node: local_latency, never a queue;
//   over a link (link.hh), where it may have to wait.
//
// A message to several machines travels once as far as its ways are one.

#ifndef HOMESHIFT_ENGINE_NETWORK_HH
#define HOMESHIFT_ENGINE_NETWORK_HH

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "common/random.hh"
#include "engine/link.hh"
#include "engine/message.hh"
#include "engine/message_log.hh"
#include "engine/traffic.hh"
#include "engine/types.hh"
#include "engine/upcoming.hh"

namespace homeshift::engine
{

// A link in one direction. Of the ways to a node a message takes the lightest.
struct LinkSpec
{
    unsigned from = 0; // router
    unsigned to = 0;
    unsigned weight = 1;
    Cycles latency = 0;
    double bytes_per_cycle = 0;
};

struct NetworkSpec
{
    unsigned nodes = 0;          // whose routers come first
    std::vector<LinkSpec> links; // routers are as many as they name
    Cycles router_latency = 0;
    Cycles local_latency = 0; // from a router to a controller
    // For tests: up to so many cycles more for each message, by chance, so that messages overtake
    // each other as the protocol allows them to.
    Cycles jitter = 0;
    std::uint64_t seed = 0;
};

class Network
{
  public:
    Network(const NetworkSpec &spec, EventQueue &queue, unsigned cores_per_node);

    void add(MachineID id, Receiver *controller);
    void send(Message *message, MachineID sender, Cycles latency, Addr line);

    // Take a message that arrives at a router at that cycle.
    void route(Message *message, unsigned router, Cycle arrival);

    // Undo that at the router of its destination, before the cycle has come.
    void take_back(Message *message, Cycle arrival);

    unsigned
    node_of(MachineID id) const
    {
        return machines_[index_of(id)].node;
    }

    // Cycles of the shortest way from a router to a machine of its node, and of another node.
    Cycles least_within_node() const;
    Cycles least_between_nodes() const;

    const std::vector<std::unique_ptr<Link>> &
    links() const
    {
        return links_;
    }

    // Messages on all of them, once for each that they cross.
    Traffic on_links() const;

    // Messages that have come to their node's router and leave the node, each counted once.
    const Traffic &
    between_nodes()
    {
        count_entered();
        return between_nodes_;
    }

    // All messages that have come there.
    const Traffic &
    total()
    {
        count_entered();
        return total_;
    }

    // Note single messages there; nullptr: no more.
    void watch(MessageLog *log);

    void reset_statistics();

  private:
    static constexpr std::size_t kAhead = 2; // messages until the host has what was prefetched

    struct Machine
    {
        Receiver *receiver = nullptr;
        std::uint16_t node = 0;
        std::uint16_t in_port = 0;  // of its router
        std::uint16_t looks_up = 0; // a bit for each virtual network, if it does then
        std::array<std::uint32_t, kVirtualNetworks> orders{}; // of what comes on a virtual network
    };

    struct Entering
    {
        MessageSizeType size;
        bool leaves; // the node
    };

    struct Prefetched
    {
        const Receiver *receiver = nullptr;
        Addr line = kNoLine;
    };

    // Called when a message is at its node's router.
    auto
    counter()
    {
        return [this](Cycle, const Entering &message) {
            ++total_.messages[message.size];
            between_nodes_.messages[message.size] += message.leaves;
        };
    }

    void add_links();
    void set_notices();
    void find_routes();
    void find_routes_to(unsigned node);
    [[gnu::noinline]] void prefetch(const Receiver &receiver, Addr line);
    [[gnu::noinline]] bool leaves_node(const NetDest &destination, unsigned node) const;
    void deliver(Message *message, MachineIndex to, Cycle when);
    void route_to(Message *message, MachineIndex only, unsigned router, Cycle arrival);
    [[gnu::noinline]] void deliver_with_more(Message *message, MachineIndex to, Cycle when);
    void split(Message *message, unsigned router, Cycle arrival);
    void count_entered();
    Message *copy_for(const Message &message, const NetDest &destination);

    NetworkSpec spec_;
    EventQueue &queue_;
    const unsigned routers_;
    std::vector<std::unique_ptr<Link>> links_;
    std::vector<std::uint16_t> route_; // [router * nodes + destination node] -> link
    std::array<Machine, MachineType_NUM * kMachines> machines_{};
    Upcoming<Entering> entering_;
    Traffic between_nodes_;
    Traffic total_;
    Random random_;
    MessageLog *log_ = nullptr;
    std::array<Prefetched, kAhead> prefetched_{}; // for the last messages sent
    std::array<Prefetched, kAhead> others_{};     // that messages before these have led to
    unsigned sent_ = 0;
    bool plain_; // neither jitter nor a log: nothing happens to messages that arrive
};

} // namespace homeshift::engine

#endif // HOMESHIFT_ENGINE_NETWORK_HH
