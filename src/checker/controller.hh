// SPDX-License-Identifier: BSD-3-Clause
//
// The base of the emitted controllers, with the behaviour of src/engine/controller.cc:
// a message is handed to its in_port, again and again until an action dequeues it or
// lets it wait; what wakes up is handled right after, in the order of the ports.

#ifndef HOMESHIFT_CHECKER_CONTROLLER_HH
#define HOMESHIFT_CHECKER_CONTROLLER_HH

#include <sstream>

#include "checker/structures.hh"
#include "engine/machine_info.hh"

namespace homeshift::engine
{

// What machines share is the world.
struct Context
{};

inline constexpr Context the_context;

class Controller
{
  public:
    Controller(const Context &, MachineID id, unsigned, const MachineInfo &info)
        : machineID(id), version(id.num), info_(info)
    {
        port_of_vnet.fill(-1);
    }

    Controller(const Controller &) = delete;
    Controller &operator=(const Controller &) = delete;
    virtual ~Controller() = default;

    // Take a message of the world, which is no longer in it.
    void
    arrive(const Travelling &message)
    {
        world.touched |= 1u << node_of(machineID);
        int port = message.via;
        if (message.place == kNetwork || message.place == kBlocked) {
            port = port_of_vnet[message.via];
            if (port < 0) {
                fail("gets a message on a virtual network that it does not listen to");
            }
        } else if (message.place == kDram) {
            serve_memory(message);
            return;
        }
        awake_count_ = 0; // some are left if the step before has broken off
        handle(message, port);
        while (awake_count_ != 0 && !world.refused) {
            const Awake next = awake_[0];
            std::copy(awake_ + 1, awake_ + awake_count_, awake_);
            --awake_count_;
            handle(next.message, next.port);
        }
    }

    // What the machine's memory answers comes to this port.
    void
    connect_memory(int port)
    {
        memory_port_ = port;
    }

    // Take what a stimulus gives it.
    void
    hand_over(Message &message, int port)
    {
        Travelling handed{};
        handed.place = kHanded;
        handed.machine = byte_of(machineID);
        handed.via = static_cast<Byte>(port);
        message.encode(handed);
        arrive(handed);
    }

    // Let a port look once at a message that is then gone: evicts a line. False if it has to wait.
    // If it does nothing, the caller has to see to it that the line is gone.
    bool
    look(Message &message, int port)
    {
        world.touched |= 1u << node_of(machineID);
        current_ = &message;
        current_port_ = port;
        taken_ = false;
        run_port(port);
        current_ = nullptr;
        world.refused = world.refused || taken_;
        return !world.refused;
    }

    MachineID
    id() const
    {
        return machineID;
    }

    virtual std::size_t transactions() const = 0;

  protected:
    virtual void run_port(int port) = 0;

    template <typename T>
    const T &
    peek(int port) const
    {
        if (port != current_port_) {
            fail("peeks at another port than the one that triggered the transition");
        }
        return static_cast<const T &>(*current_);
    }

    Tick
    dequeue(int port)
    {
        if (port != current_port_ || taken_) {
            fail("dequeues a message that is not there");
        }
        taken_ = true;
        return 0;
    }

    // gem5's way to say dequeue() of what memory answers.
    void
    dequeueMemRespQueue()
    {
        dequeue(memory_port_);
    }

    void
    stall(int port, Addr address)
    {
        if (port != current_port_ || taken_) {
            fail("lets a message wait that is not there");
        }
        taken_ = true;
        if (!holding_) {
            return;
        }
        const bool in_order = original_.place == kNetwork && world.ordered[original_.via];
        const bool waits_outside = world.reduced && !in_order;
        if (waits_outside && tries_ != 0) { // it has done something: it waits where it was
            world.add(original_);
            return;
        }
        if (original_.place == kHanded ? !world.asks_in_vain : waits_outside) {
            world.refused = true;
            return;
        }
        Travelling waiting = original_;
        waiting.place = kStalled;
        waiting.machine = byte_of(machineID);
        waiting.via = static_cast<Byte>(port);
        waiting.from = 0;
        waiting.address = static_cast<Byte>(line_of(address));
        waiting.rank = 0;
        for (unsigned i = 0; i < world.count; ++i) {
            const Travelling &other = world.messages[i];
            waiting.rank += other.place == kStalled && other.machine == waiting.machine &&
                            other.address == waiting.address;
        }
        world.add(waiting);
    }

    // The message stays the head of its buffer and keeps all behind it from being taken.
    void
    stall_port()
    {
        world.refused = world.blocks = true;
        taken_ = true;
    }

    // The message goes to the end of its buffer: nothing has happened.
    void
    recycle(int)
    {
        world.refused = true;
        taken_ = true;
    }

    void
    wakeUpAllBuffers(Addr address)
    {
        wake([this, address](const Travelling &m) { return m.address == line_of(address); });
    }

    void
    wakeUpAllBuffers()
    {
        wake([](const Travelling &) { return true; });
    }

    void
    send(Message *message, int vnet, Cycles, Addr)
    {
        Travelling sent{};
        sent.place = kNetwork;
        sent.via = static_cast<Byte>(vnet);
        message->encode(sent);
        bool nobody = true;
        message->Destination.for_each([&](MachineID to) {
            nobody = false;
            if (to.num >= machines_of(to.type)) {
                fail("sends a message to a machine that does not exist");
            }
            sent.machine = byte_of(to);
            sent.from = 0;
            sent.rank = 0;
            if (world.ordered[vnet]) {
                sent.from = byte_of(machineID);
                for (unsigned i = 0; i < world.count; ++i) {
                    sent.rank += world.same_channel(world.messages[i], sent);
                }
            }
            add(sent);
        });
        delete message;
        if (nobody) {
            fail("sends a message to nobody");
        }
    }

    void
    enqueue_local(Message *message, int port, Cycles)
    {
        Travelling sent{};
        sent.place = kLocal;
        sent.machine = byte_of(machineID);
        sent.via = static_cast<Byte>(port);
        if (const NewValue value = message->new_value(); value.data != nullptr) {
            world.read_by_dma(value.read_from, *value.data);
            world.begin_write(node_of(machineID), value);
        }
        message->encode(sent);
        delete message;
        add(sent);
    }

    void
    send_to_dram(MemoryMsg *message, Cycles)
    {
        Travelling sent{};
        sent.place = kDram;
        sent.machine = byte_of(machineID);
        message->encode(sent);
        delete message;
        add(sent);
    }

    // All lines have one memory: where it is makes no difference to a network without order, and no
    // node differs from another.
    MachineID
    mapAddressToMachine(Addr, MachineType type) const
    {
        if (machines_of(type) != 1) {
            fail(
                "deals lines out to machines of a type: the scenario has to say that it is single");
        }
        return createMachineID(type, 0);
    }

    Cycles
    ticksToCycles(Tick) const
    {
        return 0;
    }

    Tick
    cyclesToTicks(Cycles) const
    {
        return 0;
    }

    void
    profileMsgDelay(int, Cycles)
    {}

    void
    count_transition(unsigned key)
    {
        world.count_transition(machineID.type, key);
        if (world.log != nullptr) {
            const auto events = static_cast<unsigned>(info_.events.size());
            world.log->push_back({machineID, "transition", key / events, key % events, {}});
        }
    }

    [[noreturn]] void
    fail(const std::string &what) const
    {
        std::ostringstream text;
        text << FieldPrinter::machine(machineID) << ": " << what;
        throw ProtocolError(text.str());
    }

    [[noreturn]] void
    no_transition(unsigned state, unsigned event, Addr address) const
    {
        fail(info_.no_transition(state, event, "line " + std::to_string(line_of(address))));
    }

    void
    check(bool condition, const char *position) const
    {
        if (!condition) {
            fail(std::string(position) + ": assertion failed");
        }
    }

    MachineID machineID;
    NodeID version;
    std::array<std::int8_t, 16> port_of_vnet{};

  private:
    static constexpr unsigned kMaxTries = 64;
    static constexpr unsigned kMaxAwake = 24;

    struct Awake
    {
        Travelling message;
        int port;
    };

    void
    add(const Travelling &message)
    {
        world.add(message);
        if (world.log != nullptr) {
            world.log->push_back({machineID, "sent", 0, 0, message_json(message)});
        }
    }

    void
    handle(const Travelling &message, int port)
    {
        original_ = message;
        current_ = message_types()[message.type].decode(message.body);
        current_->Destination.clear();
        current_->Destination.add(machineID);
        current_port_ = port;
        taken_ = false;
        holding_ = true;
        for (tries_ = 0; !taken_; ++tries_) {
            if (tries_ == kMaxTries) {
                fail("tries a message again and again: no action dequeues it or lets it wait");
            }
            run_port(port);
        }
        current_ = nullptr;
        holding_ = false;
    }

    void
    serve_memory(const Travelling &operation)
    {
        auto &asked =
            static_cast<MemoryMsg &>(*message_types()[operation.type].decode(operation.body));
        MemoryMsg answer;
        answer.addr = asked.addr;
        answer.Type = asked.Type;
        answer.OriginalRequestorMachId = asked.Sender;
        if (asked.Type == MemoryRequestType_MEMORY_READ) {
            answer.DataBlk.token = world.memory[place_for(asked.addr, "a memory access")];
        } else {
            world.write_memory(asked.addr, asked.DataBlk);
        }
        Travelling message{};
        message.place = kLocal;
        message.machine = byte_of(machineID);
        message.via = static_cast<Byte>(memory_port_);
        answer.encode(message);
        arrive(message);
    }

    template <typename Selects>
    void
    wake(Selects selects)
    {
        const unsigned first = awake_count_;
        for (unsigned i = 0; i < world.count;) {
            Travelling &m = world.messages[i];
            if (m.place != kStalled || m.machine != byte_of(machineID) || !selects(m)) {
                ++i;
                continue;
            }
            if (world.wake_later) {
                m.place = kLocal;
                m.rank = m.address = 0;
                ++i;
                continue;
            }
            if (awake_count_ == kMaxAwake) {
                fail("wakes up too many messages at once");
            }
            awake_[awake_count_++] = {m, m.via};
            world.messages[i] = world.messages[--world.count];
        }
        std::sort(awake_ + first, awake_ + awake_count_, [](const Awake &a, const Awake &b) {
            return a.message.address != b.message.address ? a.message.address < b.message.address
                                                          : a.message.rank < b.message.rank;
        });
        std::stable_sort(awake_, awake_ + awake_count_,
                         [](const Awake &a, const Awake &b) { return a.port < b.port; });
    }

    const MachineInfo &info_;
    int memory_port_ = -1;

    // Of the step under way. Only one controller is at work at a time, and what is in a controller
    // is copied at each step.
    static inline Travelling original_{};
    static inline Message *current_ = nullptr;
    static inline int current_port_ = 0;
    static inline bool taken_ = false;
    static inline bool holding_ = false;
    static inline unsigned tries_ = 0; // transitions that the message has made so far
    static inline Awake awake_[kMaxAwake];
    static inline unsigned awake_count_ = 0;
};

} // namespace homeshift::engine

#endif // HOMESHIFT_CHECKER_CONTROLLER_HH
