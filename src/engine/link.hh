// SPDX-License-Identifier: BSD-3-Clause
//
// A link between two routers, in one direction, as the throttle of gem5's
// SimpleNetwork: every cycle has room for so many bytes, and virtual networks are
// served by priority, the higher first (in one cycle of 129 the lower first, so
// that none starves). A message that starts arrives after the link's latency and
// uses up bandwidth for its length; meanwhile one of another virtual network can
// start, but none of its own.
//
// A link wakes up for each message that is ready, but not for those that are booked: one that will
// find the link idle, and then is where it is going, goes on when it is accepted. For that, none
// that is accepted later may get ready earlier. One that gets ready in the same cycle cancels the
// booking: the message is taken back, and waits for its cycle.

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
constexpr std::uint16_t kFirstLinkPort = 1 + kMachines * MachineType_NUM;

constexpr std::uint16_t
port_of(MachineID controller)
{
    return static_cast<std::uint16_t>(1 + index_of(controller));
}

// Order of a message among others of its cycle, whenever it was scheduled. Links come first, one
// after the other. Then, as in gem5, a controller takes all that is on its ports, one port after
// the other, and on a port by the in-port of the router that it came through.
constexpr unsigned kInPortBits = 10;
constexpr std::uint32_t kControllers = std::uint32_t{1} << 31;

constexpr std::uint32_t
in_order(MachineID controller, unsigned port, std::uint16_t in_port)
{
    return kControllers | std::uint32_t{port_of(controller)} << 16 | port << kInPortBits | in_port;
}

class Network;

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

    // number: among all links, from 0.
    Link(unsigned number, const Ends &ends, double bytes_per_cycle, EventQueue &queue,
         Network &network);
    ~Link();
    Link(const Link &) = delete;
    Link &operator=(const Link &) = delete;

    // From now on no message is accepted in fewer cycles before it is ready.
    void
    set_notice(Cycles notice)
    {
        notice_ = notice;
    }

    // Take a message that is ready to start at a later cycle. It may be booked if it has a single
    // destination, which is at the link's end.
    void accept(Message *message, Cycle ready, bool may_book);

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

    Cycles
    latency() const
    {
        return ends_.latency;
    }

    // Of the messages that have started.
    const Traffic &traffic();

    // Cycles' worth of bandwidth that were used.
    double busy_cycles();

    void reset_statistics();

  private:
    struct Booked
    {
        Message *message; // gone, perhaps, once it has started
        Cycle ready;
        std::uint16_t in_port;
        std::uint8_t vnet;
        MessageSizeType size;
    };

    class Wake;

    Cycles length(MessageSizeType size) const;
    void schedule(Message *message, Cycle ready);
    void cancel_last_booked();
    void start_booked(Cycle last);
    [[gnu::noinline]] void start_all_booked(Cycle last);
    void start_alone(unsigned network, MessageSizeType size, Cycle at);
    void go_on(Message *message, Cycle start);
    [[gnu::noinline]] void wait(Message *message, bool last);
    void serve();
    void finish();
    void catch_up(Cycle now);
    Cycles until_turned() const;
    void serve_cycle();
    void serve_network(unsigned network, std::uint32_t &room);
    Cycles until_next_start() const;
    std::uint64_t units_left() const;

    const Ends ends_;
    const std::uint32_t order_;           // of its events: this, and the in-port
    const std::uint32_t room_;            // of a cycle, in units
    const std::array<Cycles, 2> lengths_; // of a message without data, of one with
    Cycles notice_ = 0;
    EventQueue &queue_;
    Network &network_; // where messages go on to

    Cycle idle_from_ = 0; // all that were accepted have left, at the latest
    Fifo<Booked> booked_; // by the cycle in which they are ready

    Cycle served_until_ = 0;
    Cycle done_ = 0;            // when all that is under way or waits will have left: that or later
    std::uint32_t pending_ = 0; // a bit for each network with a message under way or waiting
    std::uint64_t waiting_units_ = 0;
    std::uint64_t started_units_ = 0; // that remain
    std::uint64_t served_cycles_ = 0;
    Cycle next_wake_ = 0;
    std::array<std::uint32_t, kVirtualNetworks> remaining_{}; // units of the message under way
    std::array<Fifo<Message *>, kVirtualNetworks> waiting_;

    Traffic traffic_;
    std::uint64_t left_at_reset_ = 0; // units of messages that had started before
};

} // namespace homeshift::engine

#endif // HOMESHIFT_ENGINE_LINK_HH
