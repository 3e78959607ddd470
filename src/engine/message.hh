// SPDX-License-Identifier: BSD-3-Clause
//
// The base of every message that SLICC declares. A message is its own event: while
// it travels, it lies in the event queue and fires at whoever receives it next.

#ifndef HOMESHIFT_ENGINE_MESSAGE_HH
#define HOMESHIFT_ENGINE_MESSAGE_HH

#include <type_traits>

#include "engine/event_queue.hh"
#include "engine/pool.hh"
#include "engine/types.hh"

namespace homeshift::engine
{

class Message;

class Receiver
{
  public:
    virtual void arrive(Message *message) = 0;

    // Whether what comes on a virtual network makes it look lines up in large tables. For these
    // messages the network calls the next three functions.
    virtual bool
    looks_up(unsigned) const
    {
        return false;
    }

    // A line is about to be looked up: let the host fetch what that needs.
    virtual void
    prefetch(Addr) const
    {}

    // Later, when that is there: fetch what it points to. Returns another line that may be looked
    // up on account of this one, or kNoLine.
    virtual Addr
    prefetch_record(Addr) const
    {
        return kNoLine;
    }

    // Later still: fetch what is needed of that other line.
    virtual void
    prefetch_other(Addr) const
    {}

    // What it receives concerns this core, which must not be ahead of it.
    void
    set_core(Runner *core)
    {
        core_ = core;
    }

    // Where a message of a virtual network stands among others of the same cycle.
    virtual unsigned
    rank(unsigned) const
    {
        return 0;
    }

  protected:
    ~Receiver() = default;

  private:
    friend class Message;
    Runner *core_ = nullptr;
};

// The machines that a message goes to: nearly always a single one, which is noted as it comes.
class Destinations
{
  public:
    Destinations &
    operator=(const NetDest &machines)
    {
        machines_.clear();
        addNetDest(machines);
        return *this;
    }

    void
    add(MachineID id)
    {
        machines_.add(id);
        only_ = is_empty_ ? index_of(id) : machines_.only();
        is_empty_ = false;
    }

    void
    addNetDest(const NetDest &machines)
    {
        machines_.addNetDest(machines);
        only_ = machines_.only();
        is_empty_ = false;
    }

    const NetDest &
    all() const
    {
        return machines_;
    }

    // The machine, if there is exactly one; else kNoMachine.
    MachineIndex
    only() const
    {
        return only_;
    }

  private:
    MachineIndex only_ = kNoMachine;
    bool is_empty_ = true;
    NetDest machines_;
};

constexpr std::size_t kMessageBytes = 192; // at most

// All messages come from one pool, whatever they are, and discard() gives them back. The first line
// of the host's memory of each is what the network needs, the second one what its controllers do.
class Message : public Event, public Pooled<Message, kMessageBytes>
{
  public:
    std::uint16_t in_port = 0; // of the router that it is at: controllers, then links

  private:
    Receiver *receiver_ = nullptr;

  public:
    std::uint8_t vnet = 0;  // virtual network it travels on
    std::int8_t port = -1;  // in_port that it is for, once it has arrived
    std::uint8_t tries = 0; // transitions that have neither taken it nor let it wait

    // What gem5 calls getDestination() and getMessageSize().
    MessageSizeType MessageSize = MessageSizeType_Control;
    Destinations Destination;

    virtual Message *clone() const = 0;

    // Let it arrive at a cycle after the current one, at what is of no core.
    void
    travel(Receiver *receiver, Cycle arrival, EventQueue &queue)
    {
        receiver_ = receiver;
        queue.schedule(this, arrival);
    }

    // The same, at any machine.
    void
    travel_to_machine(Receiver *receiver, Cycle arrival, EventQueue &queue)
    {
        receiver_ = receiver;
        receiver->core_ == nullptr ? queue.schedule(this, arrival) : travel_to_core(arrival, queue);
    }

    // Let it arrive at a machine in the current cycle.
    void
    arrive_now(Receiver *receiver, EventQueue &queue)
    {
        receiver_ = receiver;
        if (receiver->core_ != nullptr) {
            receiver->core_->expect(queue.now(), queue.now());
        }
        queue.schedule_now(this);
    }

    // Undo that: it does not arrive at that cycle, which is still to come.
    void
    stop_travelling(Cycle arrival, EventQueue &queue)
    {
        queue.remove(this, arrival);
    }

    void
    fire() final
    {
        receiver_->arrive(this);
    }

    // There is nothing to destroy in a message.
    void
    discard() final
    {
        operator delete(this);
    }

  private:
    [[gnu::noinline]] void
    travel_to_core(Cycle arrival, EventQueue &queue)
    {
        receiver_->core_->expect(arrival, queue.now());
        queue.schedule(this, arrival);
    }
};

// A message that SLICC declares: T derives from MessageOf<T>.
template <typename T>
class MessageOf : public Message
{
  public:
    Message *
    clone() const override
    {
        static_assert(std::is_trivially_destructible_v<T> && sizeof(T) <= kMessageBytes);
        return new T(static_cast<const T &>(*this));
    }
};

} // namespace homeshift::engine

#include "engine/request_messages.hh"

#endif // HOMESHIFT_ENGINE_MESSAGE_HH
