// SPDX-License-Identifier: BSD-3-Clause
//
// The base of the controllers that `homeshift.slicc` emits. A message is handed to
// its in_port in the cycle in which it arrives; it is tried again until an action
// dequeues it or lets it wait. Of one cycle, what is on the ports that are written
// first comes first, and on one port the oldest, as in gem5.

#ifndef HOMESHIFT_ENGINE_CONTROLLER_HH
#define HOMESHIFT_ENGINE_CONTROLLER_HH

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "common/flat_map.hh"
#include "engine/machine_info.hh"
#include "engine/message.hh"
#include "engine/network.hh"
#include "engine/protocol_error.hh"
#include "engine/types.hh"

namespace homeshift::engine
{

// A Memory machine's way to its DRAM.
class MemoryPort
{
  public:
    virtual void request(MemoryMsg *message, Cycle when) = 0;

  protected:
    ~MemoryPort() = default;
};

// What every controller of a machine shares.
struct Context
{
    EventQueue *queue;
    Network *network;
    Addr node_bytes; // memory of a node: line addresses count through the nodes
};

class Controller : public Receiver
{
  public:
    Controller(const Context &context, MachineID id, unsigned node, const MachineInfo &info);
    Controller(const Controller &) = delete;
    Controller &operator=(const Controller &) = delete;
    virtual ~Controller();

    void arrive(Message *message) final;

    // As in gem5, ports are looked at in the order in which they are written.
    unsigned
    rank(unsigned network) const final
    {
        return static_cast<unsigned>(std::max<int>(port_of_vnet[network], 0));
    }

    // Put a message into a buffer that is not on the network.
    void
    enqueue_local(Message *message, int port, Cycles latency)
    {
        message->port = static_cast<std::int8_t>(port);
        message->order = in_order(machineID, static_cast<unsigned>(port), 0);
        message->travel_to_machine(this, context_.queue->now() + latency, *context_.queue);
    }

    // A message arrives that has not come over the network.
    void
    arrive_at(int port, Message *message)
    {
        message->port = static_cast<std::int8_t>(port);
        arrive(message);
    }

    // Take a request of a core, on its port, if that changes nothing but this cache: a hit. The
    // message stays the caller's. Returns whether it was taken.
    bool
    take_hit(const Message &message)
    {
        return blocked_.empty() && run_hit(message);
    }

    MachineID
    id() const
    {
        return machineID;
    }

    unsigned
    node() const
    {
        return node_;
    }

    const MachineInfo &
    info() const
    {
        return info_;
    }

    // How often each transition was taken, by state * events + event.
    std::span<const std::uint64_t>
    counts() const
    {
        return counts_;
    }

    void
    reset_counts()
    {
        counts_.assign(counts_.size(), 0);
    }

    // Emitted: transactions under way, in all tables of TBEs.
    virtual std::size_t transactions() const = 0;

    // Messages that wait for an address.
    std::size_t
    stalled() const
    {
        return stalled_count_;
    }

    MemoryPort *memory_port = nullptr;

  protected:
    // Emitted: the body of an in_port. One trigger at most.
    virtual void run_port(int port) = 0;

    // Emitted: what the in_port of a core's requests does, if the transition that it triggers is
    // one that neither sends, nor waits, nor begins or ends anything. Returns whether it did it.
    virtual bool
    run_hit(const Message &)
    {
        return false;
    }

    template <typename T>
    const T &
    peek(int port) const
    {
        if (port != current_->port) {
            fail("peeks at another port than the one that triggered the transition");
        }
        return static_cast<const T &>(*current_);
    }

    Tick
    dequeue(int port)
    {
        if (port != current_->port || taken_) {
            fail("dequeues a message that is not there");
        }
        taken_ = true;
        release_ = true;
        return 0; // how long it waited: for statistics that we do not keep
    }

    // gem5's dequeue() of what memory answers.
    void
    dequeueMemRespQueue()
    {
        dequeue(current_->port);
    }

    void stall(int port, Addr address);
    void wakeUpAllBuffers(Addr address);
    void wakeUpAllBuffers(); // whatever they wait for

    // The message stays the head of its port's buffer, and what comes after it waits too, until it
    // can be taken: gem5's z_stall.
    void stall_port();

    // The message goes to the end of its port's buffer and is tried again later.
    void recycle(int port);

    Cycles
    ticksToCycles(Tick ticks) const
    {
        return ticks; // only of what dequeue() returns
    }

    Tick
    cyclesToTicks(Cycles cycles) const
    {
        return cycles;
    }

    void
    profileMsgDelay(int, Cycles)
    {}

    // line: that the message is about.
    void
    send(Message *message, int vnet, Cycles latency, Addr line)
    {
        message->vnet = static_cast<std::uint8_t>(vnet);
        context_.network->send(message, machineID, latency, line);
    }

    void
    send_to_dram(MemoryMsg *message, Cycles latency)
    {
        memory_port->request(message, context_.queue->now() + latency);
    }

    MachineID
    mapAddressToMachine(Addr address, MachineType type) const
    {
        return createMachineID(type, static_cast<NodeID>(address / context_.node_bytes));
    }

    // key: see counts().
    void
    count_transition(unsigned key)
    {
        ++counts_[key];
    }

    [[noreturn, gnu::cold]] void fail(std::string_view what) const;
    [[noreturn, gnu::cold]] void fail_assertion(const char *position) const;
    [[noreturn, gnu::cold]] void no_transition(unsigned state, unsigned event, Addr address) const;

    void
    check(bool condition, const char *position) const
    {
        if (!condition) {
            fail_assertion(position);
        }
    }

    MachineID machineID;
    std::array<std::int8_t, kVirtualNetworks> port_of_vnet{};

  private:
    static constexpr Cycles kRecycleLatency = 10; // gem5's default

    void handle(Message *message);
    bool tried(Message *message);
    [[gnu::noinline]] void go_on_trying(Message *message);
    void try_in_turn(Message *message);
    [[gnu::noinline]] bool wait_behind(Message *message);
    bool is_blocked(int port) const;
    void retry_blocked();

    const Context context_;
    const unsigned node_;
    const MachineInfo &info_;
    std::vector<std::uint64_t> counts_;

    Message *current_ = nullptr;
    bool taken_ = false;
    bool release_ = false;

    FlatMap<std::vector<Message *>> stalled_;
    std::size_t stalled_count_ = 0;
    std::vector<Message *> blocked_; // behind a message that called stall_port(), by port
};

} // namespace homeshift::engine

#endif // HOMESHIFT_ENGINE_CONTROLLER_HH
