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
constexpr std::size_t kRemembered = 8; // accepted messages, before those started are forgotten

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

// Comes in a cycle in which a waiting message may be able to start. One that comes in vain does no
// harm, so none is ever taken back.
class Link::Wake final : public Event, public Pooled<Link::Wake>
{
  public:
    explicit Wake(Link &link) : link_(link)
    {}

    void
    fire() override
    {
        link_.wake();
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

Link::Link(const Ends &ends, double bytes_per_cycle, EventQueue &queue, Network &network)
    : ends_(ends),
      room_(units_per_cycle(bytes_per_cycle)),
      lengths_{cycles_for(units_of(MessageSizeType_Control), room_),
               cycles_for(units_of(MessageSizeType_Data), room_)},
      queue_(queue),
      network_(network)
{}

Link::~Link()
{
    for (Accepted &accepted : accepted_) {
        if (!accepted.booked && !accepted.scheduled) { // else it went with the event queue
            accepted.message->discard();
        }
    }
    for (auto &waiting : waiting_) {
        for (Message *message : waiting) {
            message->discard();
        }
    }
}

void
Link::accept(Message *message, Cycle ready, bool may_book)
{
    if (accepted_.size() > kRemembered) {
        start_booked(queue_.now());
    }
    Accepted *before = accepted_.end();
    while (before != accepted_.begin() && before[-1].ready > ready) {
        --before;
    }
    Accepted *const place = accepted_.insert(before);
    place->message = message;
    place->ready = ready;
    place->in_port = message->in_port;
    place->vnet = message->vnet;
    place->size = message->MessageSize;
    place->booked = place->scheduled = false;
    set_end(place);
    if (place != accepted_.begin() && place[-1].booked && place[-1].ready == ready) {
        cancel(place - 1);
    }
    for (Accepted *at = place + 1; at != accepted_.end() && at->ready < at[-1].end; ++at) {
        set_end(at);
        if (at->booked) {
            cancel(at);
        }
    }
    if (may_book && place->end == ready + length(*place)) {
        place->booked = true;
        go_on(message, ready);
    } else {
        schedule(place);
    }
}

void
Link::give_back(Message *message, Cycle ready)
{
    Accepted *place = accepted_.end() - 1;
    while (place->message != message) { // those that have started stand before it
        --place;
    }
    const bool scheduled = place->scheduled;
    if (place->booked) {
        network_.take_back(message, ends_.to, ready + ends_.latency);
    } else if (scheduled) {
        message->stop_travelling(ready, queue_);
    }
    accepted_.erase(place);
    if (scheduled && place != accepted_.end() && place->ready == ready) {
        schedule(place);
    }
}

Cycles
Link::length(const Accepted &accepted) const
{
    return lengths_[carries_data(accepted.size)];
}

// When all before it have left, at the latest.
Cycle
Link::idle_before(const Accepted *accepted)
{
    return accepted == accepted_.begin() ? idle_from_ : accepted[-1].end;
}

void
Link::set_end(Accepted *accepted)
{
    accepted->end = std::max(idle_before(accepted), accepted->ready) + length(*accepted);
}

void
Link::cancel(Accepted *booked)
{
    network_.take_back(booked->message, ends_.to, booked->ready + ends_.latency);
    booked->message->in_port = booked->in_port;
    booked->booked = false;
    schedule(booked);
}

// The first one of each cycle wakes the link up.
void
Link::schedule(Accepted *accepted)
{
    const bool first = accepted == accepted_.begin() || accepted[-1].ready != accepted->ready;
    if (first && !accepted->scheduled) {
        accepted->scheduled = true;
        accepted->message->order = 0; // links come before controllers
        accepted->message->travel(this, accepted->ready, queue_);
    }
}

// Take note of the booked ones that have started.
void
Link::start_booked(Cycle last)
{
    while (!accepted_.empty() && accepted_.front().booked && accepted_.front().ready <= last) {
        const Accepted &booked = accepted_.front();
        if (pending_ != 0) {
            catch_up(booked.ready);
        }
        if (booked.end > last) {
            start_alone(booked.vnet, booked.size, booked.ready);
        } else { // and has left the link
            ++traffic_.messages[booked.size];
            served_cycles_ += booked.end - booked.ready;
            served_until_ = idle_from_ = booked.end;
        }
        accepted_.pop_front();
    }
}

void
Link::arrive(Message *)
{
    serve();
}

void
Link::wake()
{
    start_booked(queue_.now());
    // If a message gets ready in this very cycle, its own event is still to come.
    if (accepted_.empty() || accepted_.front().ready != queue_.now()) {
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
    Accepted *end = accepted_.begin();
    while (end != accepted_.end() && end->ready == now) {
        ++end;
    }
    const auto count = static_cast<std::size_t>(end - accepted_.begin());
    if (count == 1 && pending_ == 0) {
        const Accepted alone = accepted_.front();
        accepted_.pop_front();
        start_alone(alone.vnet, alone.size, now);
        go_on(alone.message, now);
        return;
    }
    queue_ready_messages(count);
    if (pending_ == 0) {
        return;
    }
    serve_cycle();
    served_until_ = now + 1;
    if (waiting_units_ != 0) {
        const Cycle next = now + until_next_start();
        if (next_wake_ <= now || next < next_wake_) {
            next_wake_ = next;
            queue_.schedule(new Wake(*this), next);
        }
    }
    idle_from_ = served_until_ + cycles_for(started_units_ + waiting_units_, room_);
}

// Cycles before this one in which messages went on but none could start.
void
Link::catch_up(Cycle now)
{
    if (std::has_single_bit(pending_) && waiting_units_ == 0) {
        std::uint32_t &remaining = remaining_[highest(pending_)];
        const Cycles cycles = std::min<Cycles>(now - served_until_, (remaining - 1) / room_ + 1);
        const auto spent = static_cast<std::uint32_t>(std::min<Cycles>(remaining, cycles * room_));
        started_units_ = remaining -= spent;
        pending_ = remaining == 0 ? 0 : pending_;
        served_cycles_ += cycles;
    } else {
        for (; served_until_ < now && pending_ != 0; ++served_until_) {
            serve_cycle();
        }
    }
    served_until_ = now;
}

// What is left to do in the most frequent case: the same as queueing and serving a cycle.
void
Link::start_alone(unsigned network, MessageSizeType size, Cycle at)
{
    const std::uint32_t units = units_of(size);
    const std::uint32_t spent = std::min(units, room_);
    started_units_ = remaining_[network] = units - spent;
    pending_ = units == spent ? 0 : bit(network);
    ++served_cycles_;
    served_until_ = at + 1;
    idle_from_ = at + lengths_[carries_data(size)];
    ++traffic_.messages[size];
}

void
Link::queue_ready_messages(std::size_t count)
{
    Accepted *ready = accepted_.begin();
    // A router takes what comes in one cycle in the order of the ports that it comes from.
    for (std::size_t i = 1; i < count; ++i) {
        for (std::size_t j = i; j > 0 && ready[j].message->in_port < ready[j - 1].message->in_port;
             --j) {
            std::swap(ready[j], ready[j - 1]);
        }
    }
    for (std::size_t i = 0; i < count; ++i) {
        const unsigned network = ready[i].message->vnet;
        waiting_[network].push_back(ready[i].message);
        pending_ |= bit(network);
        waiting_units_ += units_of(ready[i].size);
    }
    accepted_.pop_front(count);
}

// Cycles that are still to be served until the lower networks go first, for one cycle.
Cycles
Link::until_turned() const
{
    return kCyclesBeforeTurningRound - served_cycles_ % (kCyclesBeforeTurningRound + 1);
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

void
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
Link::go_on(Message *message, Cycle start)
{
    message->in_port = static_cast<std::uint16_t>(kFirstLinkPort + ends_.from);
    network_.route(message, ends_.to, start + ends_.latency);
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
