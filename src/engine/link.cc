// SPDX-License-Identifier: BSD-3-Clause

#include "engine/link.hh"

#include <algorithm>
#include <bit>
#include <cmath>
#include <stdexcept>

#include "engine/network.hh"

namespace homeshift::engine
{

namespace
{

constexpr std::uint32_t kUnitsPerByte = 1000;       // gem5's MESSAGE_SIZE_MULTIPLIER
constexpr unsigned kCyclesBeforeTurningRound = 128; // gem5's PRIORITY_SWITCH_LIMIT
constexpr std::size_t kRemembered = 8; // booked messages, before those started are counted
constexpr std::uint32_t kLastInPort = (1 << kInPortBits) - 1;

std::uint32_t
units_per_cycle(double bytes_per_cycle)
{
    const double units = std::round(bytes_per_cycle * kUnitsPerByte);
    if (!(units >= 1 && units <= 1e9)) {
        throw std::invalid_argument("a link carries from 0.001 to 1000000 bytes a cycle");
    }
    return static_cast<std::uint32_t>(units);
}

constexpr std::uint32_t
units_of(MessageSizeType size)
{
    return message_bytes(size) * kUnitsPerByte;
}

constexpr Cycles
cycles_for(std::uint64_t units, std::uint32_t room)
{
    return (units + room - 1) / room;
}

constexpr std::uint32_t
bit(unsigned network)
{
    return std::uint32_t{1} << network;
}

unsigned
highest(std::uint32_t networks)
{
    return 31 - static_cast<unsigned>(std::countl_zero(networks));
}

} // namespace

// Comes in a cycle in which a waiting message may be able to start, after those that get ready in
// it. One that comes in vain does no harm, so none is ever taken back.
class Link::Wake final : public Event, public Pooled<Link::Wake>
{
  public:
    explicit Wake(Link &link) : link_(link)
    {
        order = link.order_ | kLastInPort;
    }

    void
    fire() override
    {
        link_.serve();
        delete this;
    }

    void
    discard() override
    {
        delete this;
    }

  private:
    Link &link_;
};

Link::Link(unsigned number, const Ends &ends, double bytes_per_cycle, EventQueue &queue,
           Network &network)
    : ends_(ends),
      order_(number << kInPortBits),
      room_(units_per_cycle(bytes_per_cycle)),
      lengths_{cycles_for(units_of(MessageSizeType_Control), room_),
               cycles_for(units_of(MessageSizeType_Data), room_)},
      queue_(queue),
      network_(network)
{}

// All that does not wait goes with the event queue.
Link::~Link()
{
    for (auto &waiting : waiting_) {
        for (Message *message : waiting) {
            message->discard();
        }
    }
}

inline Cycles
Link::length(MessageSizeType size) const
{
    return lengths_[carries_data(size)];
}

inline void
Link::schedule(Message *message, Cycle ready)
{
    message->order = order_ | message->in_port;
    message->travel(this, ready, queue_);
}

// All that was under way has left, and none has come since.
inline void
Link::finish()
{
    for (; pending_ != 0; pending_ &= pending_ - 1) {
        remaining_[static_cast<unsigned>(std::countr_zero(pending_))] = 0;
    }
    started_units_ = 0;
    served_cycles_ += done_ - served_until_;
    served_until_ = done_;
}

// What is left to do in the most frequent case: the same as queueing and serving a cycle.
inline void
Link::start_alone(unsigned network, MessageSizeType size, Cycle at)
{
    const std::uint32_t units = units_of(size);
    const std::uint32_t spent = std::min(units, room_);
    started_units_ = remaining_[network] = units - spent;
    pending_ = units == spent ? 0 : bit(network);
    ++served_cycles_;
    served_until_ = at + 1;
    done_ = at + length(size);
    ++traffic_.messages[size];
}

// Take note of the booked ones that have started.
inline void
Link::start_booked(Cycle last)
{
    if (!booked_.empty() && booked_.front().ready <= last) {
        start_all_booked(last);
    }
}

void
Link::start_all_booked(Cycle last)
{
    while (!booked_.empty() && booked_.front().ready <= last) {
        const Booked &booked = booked_.front();
        finish();
        start_alone(booked.vnet, booked.size, booked.ready);
        booked_.pop_front();
    }
}

inline void
Link::go_on(Message *message, Cycle start)
{
    message->in_port = static_cast<std::uint16_t>(kFirstLinkPort + ends_.from);
    network_.route(message, ends_.to, start + ends_.latency);
}

void
Link::accept(Message *message, Cycle ready, bool may_book)
{
    if (ready >= idle_from_ && may_book && ready - queue_.now() <= notice_) {
        if (booked_.size() >= kRemembered) {
            start_booked(queue_.now());
        }
        Booked *const booked = booked_.append();
        booked->message = message;
        booked->ready = ready;
        booked->in_port = message->in_port;
        booked->vnet = message->vnet;
        booked->size = message->MessageSize;
        idle_from_ = ready + length(message->MessageSize);
        go_on(message, ready);
        return;
    }
    if (!booked_.empty() && booked_.back().ready == ready) [[unlikely]] {
        cancel_last_booked();
    }
    idle_from_ = std::max(idle_from_, ready) + length(message->MessageSize);
    schedule(message, ready);
}

void
Link::cancel_last_booked()
{
    const Booked booked = booked_.back();
    booked_.pop_back();
    network_.take_back(booked.message, booked.ready + ends_.latency);
    booked.message->in_port = booked.in_port;
    schedule(booked.message, booked.ready);
}

// Those of one cycle come in the order of the ports that they come from, as a router takes them.
void
Link::arrive(Message *message)
{
    const Cycle now = queue_.now();
    start_booked(now);
    const bool last = queue_.next_order_now() >> kInPortBits != order_ >> kInPortBits;
    if (last && waiting_units_ == 0 && now >= done_) {
        finish();
        start_alone(message->vnet, message->MessageSize, now);
        go_on(message, now);
        return;
    }
    wait(message, last);
}

void
Link::wait(Message *message, bool last)
{
    catch_up(queue_.now());
    const unsigned network = message->vnet;
    waiting_[network].push_back(message);
    pending_ |= bit(network);
    waiting_units_ += units_of(message->MessageSize);
    if (last) {
        serve();
    }
}

void
Link::serve()
{
    const Cycle now = queue_.now();
    start_booked(now);
    if (served_until_ > now) {
        return;
    }
    catch_up(now);
    if (pending_ == 0) {
        return;
    }
    serve_cycle();
    served_until_ = now + 1;
    done_ = served_until_ + cycles_for(started_units_ + waiting_units_, room_);
    if (waiting_units_ != 0) {
        const Cycle next = now + until_next_start();
        if (next_wake_ <= now || next < next_wake_) {
            next_wake_ = next;
            queue_.schedule(new Wake(*this), next);
        }
    }
}

// Cycles before this one in which messages went on but none could start.
void
Link::catch_up(Cycle now)
{
    if (now >= done_ && waiting_units_ == 0) {
        finish();
        served_until_ = done_ = now;
    } else if (std::has_single_bit(pending_) && waiting_units_ == 0) {
        const Cycles cycles = now - served_until_;
        started_units_ = remaining_[highest(pending_)] -=
            static_cast<std::uint32_t>(cycles * room_);
        served_cycles_ += cycles;
        served_until_ = now;
    } else {
        for (; served_until_ < now; ++served_until_) {
            serve_cycle();
        }
    }
}

// Cycles that are still to be served until the lower networks go first, for one cycle.
Cycles
Link::until_turned() const
{
    return kCyclesBeforeTurningRound - served_cycles_ % (kCyclesBeforeTurningRound + 1);
}

inline void
Link::serve_network(unsigned network, std::uint32_t &room)
{
    std::uint32_t &remaining = remaining_[network];
    auto &waiting = waiting_[network];
    while (room != 0 && (remaining != 0 || !waiting.empty())) {
        if (remaining == 0) {
            Message *message = waiting.front();
            waiting.pop_front();
            remaining = units_of(message->MessageSize);
            waiting_units_ -= remaining;
            started_units_ += remaining;
            ++traffic_.messages[message->MessageSize];
            go_on(message, queue_.now());
        }
        const std::uint32_t spent = std::min(remaining, room);
        remaining -= spent;
        started_units_ -= spent;
        room -= spent;
    }
    if (remaining == 0 && waiting.empty()) {
        pending_ &= ~bit(network);
    }
}

void
Link::serve_cycle()
{
    std::uint32_t room = room_;
    const bool turned = until_turned() == 0;
    ++served_cycles_;
    for (std::uint32_t left = pending_; left != 0 && room != 0;) {
        const unsigned network =
            turned ? static_cast<unsigned>(std::countr_zero(left)) : highest(left);
        left &= ~bit(network);
        serve_network(network, room);
    }
}

// A lower bound: no waiting message starts in fewer cycles from now. The first one to start is of
// the highest network with one that waits, when the messages of this and of higher networks are
// through, or any one when the priorities turn round.
Cycles
Link::until_next_start() const
{
    std::uint64_t ahead = 0;
    for (std::uint32_t left = pending_; left != 0;) {
        const unsigned network = highest(left);
        left &= ~bit(network);
        ahead += remaining_[network];
        if (!waiting_[network].empty()) {
            break;
        }
    }
    return std::min<Cycles>(ahead / room_, until_turned()) + 1;
}

const Traffic &
Link::traffic()
{
    start_booked(queue_.now());
    return traffic_;
}

double
Link::busy_cycles()
{
    const std::uint64_t units = traffic().bytes() * kUnitsPerByte + left_at_reset_;
    return static_cast<double>(units - units_left()) / room_;
}

// Units of the messages that have started which are carried in cycles to come.
std::uint64_t
Link::units_left() const
{
    return started_units_ - std::min(started_units_, (queue_.now() + 1 - served_until_) * room_);
}

void
Link::reset_statistics()
{
    start_booked(queue_.now());
    traffic_ = {};
    left_at_reset_ = units_left();
}

} // namespace homeshift::engine
