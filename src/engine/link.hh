// SPDX-License-Identifier: BSD-3-Clause
//
// A link between two routers, in one direction, as the throttle of gem5's
// SimpleNetwork: every cycle has room for so many bytes, and virtual networks are
// served by priority, the higher first (in one cycle of 129 the lower first, so
// that none starves). A message that starts arrives after the link's latency and
// uses up bandwidth for its length; meanwhile one of another virtual network can
// start, but none of its own.

#ifndef HOMESHIFT_ENGINE_LINK_HH
#define HOMESHIFT_ENGINE_LINK_HH

#include <array>
#include <cstdint>

#include "engine/fifo.hh"
#include "engine/message.hh"
#include "engine/pool.hh"
#include "engine/traffic.hh"
#include "engine/types.hh"

namespace homeshift::engine
{

// In-ports of a router in gem5's order: first its controllers, then links.
constexpr std::uint16_t kFirstLinkPort = 1 + 64 * MachineType_NUM;

constexpr std::uint16_t
port_of(MachineID controller)
{
    return static_cast<std::uint16_t>(1 + 64 * controller.type + controller.num);
}

// Order of a message among others of its cycle: first by the port of the controller that it comes
// to, then by the in-port of the router that it comes through.
constexpr std::uint16_t
in_order(unsigned port, std::uint16_t in_port)
{
    return static_cast<std::uint16_t>(port << 10 | in_port);
}

// Where a link's messages go on to.
class Router
{
  public:
    // Take a message that arrives at a router at that cycle.
    virtual void route(Message *message, unsigned router, Cycle arrival) = 0;

  protected:
    ~Router() = default;
};

class Link final : public Receiver
{
  public:
    // What is at the link's ends: routers, by number. Latency in cycles.
    struct Ends
    {
        unsigned from;
        unsigned to;
        Cycles latency;
    };

    Link(const Ends &ends, double bytes_per_cycle, EventQueue &queue, Router &routers);
    ~Link();
    Link(const Link &) = delete;
    Link &operator=(const Link &) = delete;

    // Take a message that is ready to start at a later cycle.
    void accept(Message *message, Cycle ready);

    // A message is ready.
    void arrive(Message *message) override;

    unsigned
    from() const
    {
        return ends_.from;
    }

    unsigned
    to() const
    {
        return ends_.to;
    }

    const Traffic &
    traffic() const
    {
        return traffic_;
    }

    // Cycles' worth of bandwidth that the messages started need.
    double busy_cycles() const;

    void reset_statistics();

  private:
    static constexpr unsigned kVirtualNetworks = 16;

    struct Accepted
    {
        Message *message;
        Cycle ready;
        bool scheduled; // the first one of its cycle wakes the link up
    };

    class Wake;

    void wake();
    void serve();
    void queue_ready_messages(std::size_t count);
    void catch_up(Cycle last);
    bool count_served_cycle();
    void serve_cycle();
    void serve_network(unsigned network, std::uint32_t &room);
    void start_on_idle_link(Message *message);
    void start(Message *message);
    Cycles until_next_start() const;

    const Ends ends_;
    const std::uint32_t room_; // of a cycle, in units
    EventQueue &queue_;
    Router &routers_;

    Fifo<Accepted> accepted_;
    std::array<Fifo<Message *>, kVirtualNetworks> waiting_;
    std::array<std::uint32_t, kVirtualNetworks> remaining_{}; // units of the message under way
    std::uint32_t pending_ = 0; // a bit for each network with a message under way or waiting
    unsigned waiting_messages_ = 0;
    unsigned served_cycles_ = 0; // since the priorities turned round
    Cycle served_until_ = 0;
    Cycle next_wake_ = 0;

    Traffic traffic_;
    std::uint64_t used_ = 0; // units
};

} // namespace homeshift::engine

#endif // HOMESHIFT_ENGINE_LINK_HH
