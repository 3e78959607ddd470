// SPDX-License-Identifier: BSD-3-Clause
//
// The base of the emitted controllers when the engine takes a counterexample: the
// engine's own, but that every message that comes to it is held, over the network or
// not, and given to it when somebody says so.

#ifndef HOMESHIFT_REPLAY_CONTROLLER_HH
#define HOMESHIFT_REPLAY_CONTROLLER_HH

#include "engine/controller.hh"
#include "engine/network.hh"
#include "replay/crossbar.hh"
#include "replay/messages.hh"

namespace homeshift::engine
{

inline EventQueue the_queue;
inline Network the_network(small_crossbar(kNodes), the_queue, 1);
inline const Context the_context{&the_queue, &the_network, ~Addr{0}};

// A machine's side of the network.
class Gate final : public Receiver
{
  public:
    explicit Gate(const Controller &machine) : machine_(machine)
    {}

    void
    arrive(Message *message) override
    {
        world.add({.place = kNetwork,
                   .machine = byte_of(machine_.id()),
                   .via = message->vnet,
                   .type = type_of(*message),
                   .body = message});
    }

    unsigned
    rank(unsigned network) const override
    {
        return machine_.rank(network);
    }

  private:
    const Controller &machine_;
};

class HeldController : public Controller
{
  public:
    HeldController(const Context &context, MachineID id, unsigned node, const MachineInfo &info)
        : Controller(context, id, node, info)
    {}

    Gate gate{*this};

    // What the machine's memory answers comes to this port.
    void
    connect_memory(int port)
    {
        answer_port_ = port;
    }

    // Take a message of the world, which is no longer in it, and all that follows in this machine.
    void
    arrive(const Travelling &held)
    {
        given_ = held;
        Message *message = held.body;
        if (held.place == kDram) {
            serve_memory(static_cast<MemoryMsg &>(*message));
            message->port = static_cast<std::int8_t>(answer_port_);
        } else if (held.place != kNetwork) {
            message->port = static_cast<std::int8_t>(held.via);
        }
        message->age = message->age == 0 ? ++ages_ : message->age;
        message->travel(this, the_queue.now() + 1, the_queue);
        run_dry();
    }

    // Take what a stimulus gives it.
    template <typename M>
    void
    hand_over(const M &message, int port)
    {
        arrive(at_port(kHanded, port, new M(message)));
    }

    // Let a port look once at a message that is then gone; false if it has to wait.
    bool
    look(Message &message, int port)
    {
        message.port = static_cast<std::int8_t>(port);
        looks_ = true;
        current_ = &message;
        taken_ = false;
        run_port(port);
        current_ = nullptr;
        looks_ = false;
        world.refused = world.refused || taken_;
        run_dry();
        return !world.refused;
    }

  protected:
    using Controller::arrive;

    // ---- what the emitted code calls, in place of the engine's own

    template <typename M>
    void
    send(M *message, int vnet, Cycles latency, Addr line)
    {
        bool nobody = true;
        message->Destination.all().for_each([&](MachineID to) {
            nobody = false;
            if (to.num >= machines_of(to.type)) {
                fail("sends a message to a machine that does not exist");
            }
            log({.place = kNetwork,
                 .machine = byte_of(to),
                 .via = static_cast<Byte>(vnet),
                 .type = message_type<M>,
                 .body = message});
        });
        if (nobody) {
            fail("sends a message to nobody");
        }
        Controller::send(message, vnet, latency, line);
    }

    template <typename M>
    void
    enqueue_local(M *message, int port, Cycles)
    {
        if (const NewValue value = new_value_of(*message); value.data != nullptr) {
            world.read_by_dma(value.read_from, *value.data);
            world.begin_write(node_of(machineID), value);
        }
        hold(at_port(kLocal, port, message));
    }

    void
    send_to_dram(MemoryMsg *message, Cycles)
    {
        hold(at_port(kDram, 0, message));
    }

    // As in the checker, a message that is not taken stays where it was, if it may not wait here.
    void
    stall(int port, Addr address)
    {
        if (looks_) {
            taken_ = true;
            return;
        }
        Travelling waiting = given_;
        if (current_ != given_.body) {
            waiting = stalled_before();
        }
        const bool in_order = waiting.place == kNetwork && world.ordered[waiting.via];
        const bool outside = world.reduced && !in_order;
        const bool first = current_->tries == 0;
        if (outside && !first) {
            current_->tries = 0;
            taken_ = true;
            world.add(waiting);
        } else if (waiting.place == kHanded ? !world.asks_in_vain : outside) {
            taken_ = true;
            world.refused = true;
        } else {
            Controller::stall(port, address);
            waiting = stalled_before();
            waiting.address = static_cast<Byte>(line_of(address));
            world.add(waiting);
        }
    }

    void
    stall_port()
    {
        taken_ = true;
        world.refused = world.blocks = true;
    }

    void
    recycle(int)
    {
        taken_ = true;
        world.refused = true;
    }

    void
    wakeUpAllBuffers(Addr address)
    {
        forget_stalled([address](const Travelling &m) { return m.address == line_of(address); });
        Controller::wakeUpAllBuffers(address);
    }

    // Line by line, as in the checker.
    void
    wakeUpAllBuffers()
    {
        forget_stalled([](const Travelling &) { return true; });
        for (unsigned line = 0; line < kLines; ++line) {
            if (const auto *waiting = stalled_.find(address_of(line))) {
                for (Message *message : *waiting) {
                    message->age = ++ages_;
                }
            }
        }
        Controller::wakeUpAllBuffers();
    }

    void
    count_transition(unsigned key)
    {
        Controller::count_transition(key);
        if (world.log != nullptr) {
            const auto events = static_cast<unsigned>(info().events.size());
            world.log->push_back({machineID, "transition", key / events, key % events, {}});
        }
    }

  private:
    static constexpr Cycles kPatience = 100'000;

    template <typename M>
    Travelling
    at_port(Place place, int port, M *message) const
    {
        return {.place = place,
                .machine = byte_of(machineID),
                .via = static_cast<Byte>(port),
                .type = message_type<M>,
                .body = message};
    }

    Travelling
    stalled_before() const
    {
        return {.place = kStalled,
                .machine = byte_of(machineID),
                .via = static_cast<Byte>(current_->port),
                .type = type_of(*current_),
                .body = current_};
    }

    void
    log(const Travelling &message) const
    {
        if (world.log != nullptr) {
            world.log->push_back({machineID, "sent", 0, 0, message_json(message)});
        }
    }

    void
    hold(const Travelling &message) const
    {
        world.add(message);
        log(message);
    }

    template <typename Selects>
    void
    forget_stalled(Selects selects) const
    {
        for (unsigned i = world.count; i-- > 0;) {
            const Travelling &m = world.messages[i];
            if (m.place == kStalled && m.machine == byte_of(machineID) && selects(m)) {
                world.remove(i);
            }
        }
    }

    static void
    serve_memory(MemoryMsg &message)
    {
        if (message.Type == MemoryRequestType_MEMORY_READ) {
            message.DataBlk.token = world.memory[place_for(message.addr, "a memory access")];
        } else {
            world.write_memory(message.addr, message.DataBlk);
        }
        message.OriginalRequestorMachId = message.Sender;
    }

    static void
    run_dry()
    {
        if (!the_queue.run_dry(the_queue.now() + kPatience)) {
            throw ProtocolError("events go on for ever");
        }
        the_queue.run(the_queue.now() + 1); // what a machine has learned, its node knows
    }

    int answer_port_ = -1;
    bool looks_ = false;

    static inline Travelling given_{};
    static inline std::uint64_t ages_ = 0;
};

} // namespace homeshift::engine

#endif // HOMESHIFT_REPLAY_CONTROLLER_HH
