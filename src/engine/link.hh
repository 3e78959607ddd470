// SPDX-License-Identifier: BSD-3-Clause
//
// A link between two routers, in one direction, as the throttle of gem5's
// SimpleNetwork: every cycle has room for so many bytes, and virtual networks are
// served by priority, the higher first (in one cycle of 129 the lower first, so
// that none starves). A message that starts arrives after the link's latency and
// uses up bandwidth for its length; meanwhile one of another virtual network can
// start, but none of its own.
//
// A message that will find the link idle, and is the only one of its cycle, is booked:
// it goes on when it is accepted, ahead of its time, without an event of the link. It
// starts when it is ready, but for messages that are accepted later and get ready earlier
// or in the same cycle. If one of these may be in its way, the booking is cancelled: the
// message is taken back from where it went to, and waits for its cycle.

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

// Order of a message among others of its cycle, whenever it was scheduled: as in gem5, a controller
// takes all that is on its ports, one port after the other, and on a port by the in-port of the
// router that it came through.
constexpr std::uint32_t
in_order(MachineID controller, unsigned port, std::uint16_t in_port)
{
    return std::uint32_t{port_of(controller)} << 16 | port << 10 | in_port;
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

    Link(const Ends &ends, double bytes_per_cycle, EventQueue &queue, Network &network);
    ~Link();
    Link(const Link &) = delete;
    Link &operator=(const Link &) = delete;

    // Take a message that is ready to start at a later cycle. Only one with a single destination
    // can be booked.
    void accept(Message *message, Cycle ready, bool may_book);

    // Undo that, before the cycle has come.
    void give_back(Message *message, Cycle ready);

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

    // Of the messages that have started.
    const Traffic &
    traffic()
    {
        start_booked(queue_.now());
        return traffic_;
    }

    // Cycles' worth of bandwidth that were used.
    double busy_cycles();

    void reset_statistics();

  private:
    static constexpr unsigned kVirtualNetworks = 16;

    struct Accepted
    {
        Message *message; // gone, perhaps, once a booked one has started
        Cycle ready;
        Cycle end; // when it and all before it have left, at the latest
        std::uint16_t in_port;
        std::uint8_t vnet;
        MessageSizeType size;
        bool booked;
        bool scheduled; // not booked, and the first one of its cycle: wakes the link up
    };

    class Wake;

    Cycles length(const Accepted &accepted) const;
    Cycle idle_before(const Accepted *accepted);
    void set_end(Accepted *accepted);
    void cancel(Accepted *booked);
    void schedule(Accepted *accepted);
    void start_booked(Cycle last);
    void start_alone(unsigned network, MessageSizeType size, Cycle at);
    void go_on(Message *message, Cycle start);
    void wake();
    void serve();
    void queue_ready_messages(std::size_t count);
    void catch_up(Cycle last);
    Cycles until_turned() const;
    void serve_cycle();
    void serve_network(unsigned network, std::uint32_t &room);
    Cycles until_next_start() const;
    std::uint64_t units_left() const;

    const Ends ends_;
    const std::uint32_t room_;            // of a cycle, in units
    const std::array<Cycles, 2> lengths_; // of a message without data, of one with
    EventQueue &queue_;
    Network &network_; // where messages go on to

    Fifo<Accepted> accepted_; // by the cycle in which they are ready
    std::array<Fifo<Message *>, kVirtualNetworks> waiting_;
    std::array<std::uint32_t, kVirtualNetworks> remaining_{}; // units of the message under way
    std::uint32_t pending_ = 0; // a bit for each network with a message under way or waiting
    std::uint64_t waiting_units_ = 0;
    std::uint64_t started_units_ = 0; // that remain
    std::uint64_t served_cycles_ = 0;
    Cycle served_until_ = 0;
    Cycle idle_from_ = 0; // but for those accepted
    Cycle next_wake_ = 0;

    Traffic traffic_;
    std::uint64_t left_at_reset_ = 0; // units of messages that had started before
};

} // namespace homeshift::engine

#endif // HOMESHIFT_ENGINE_LINK_HH
