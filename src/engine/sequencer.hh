// SPDX-License-Identifier: BSD-3-Clause
//
// The core's side of a private cache: hands requests to the cache's controller
// and its answers to whoever uses the core, a vCPU or a probe. It keeps the requests
// on their way to the cache, and the time at which its user wants to be woken up, and
// runs ahead of all others through what are only hits.

#ifndef HOMESHIFT_ENGINE_SEQUENCER_HH
#define HOMESHIFT_ENGINE_SEQUENCER_HH

#include <algorithm>
#include <cstdint>

#include "engine/controller.hh"
#include "engine/fifo.hh"
#include "engine/message.hh"
#include "engine/structures.hh"
#include "engine/types.hh"

namespace homeshift::engine
{

class CoreUser
{
  public:
    // remote: it needed another node.
    virtual void load_done(Addr line, const DataBlock &data, bool remote) = 0;

    // The store happens here: the user sets the data.
    virtual void store_done(Addr line, DataBlock &data, bool remote) = 0;

    // The node has no right to the line: an access fault. There is no data.
    virtual void access_refused(Addr line) = 0;

    // The time that it asked for has come.
    virtual void
    wake_up()
    {}

  protected:
    ~CoreUser() = default;
};

class Sequencer final : public Runner
{
  public:
    // port: the cache's in_port for the core's requests; lines: that it keeps; latency: of a hit,
    // in cycles; table: the node's home table, which knows of the answers, or nullptr.
    void
    connect(Controller *cache, int port, const CacheMemory *lines, Cycles latency, HomeTable *table,
            EventQueue *queue)
    {
        cache_ = cache;
        cache->set_core(this);
        port_ = port;
        lines_ = lines;
        latency_ = latency;
        home_table_ = table;
        queue_ = queue;
        queue->add(this);
    }

    // The user must not ask for a line again before the answer.
    void
    issue(Addr address, bool write)
    {
        requests_.push_back({address, queue_->now() + latency_, write});
        lines_->prefetch(address);
        lines_->prefetch_entries(address);
        tell_queue();
    }

    // Wake the user up at that cycle, and at no other; kNever: not at all.
    void
    wake_at(Cycle cycle)
    {
        wake_at_ = cycle;
        tell_queue();
    }

    // When the user will be woken up; kNever if it will not.
    Cycle
    wake() const
    {
        return wake_at_;
    }

    void
    run(Cycle until) override
    {
        runs_ = true;
        Cycle next = next_cycle();
        bool has_turn = true; // of all cores, this one comes first
        do {
            queue_->run_ahead_to(next);
            queue_->count_event();
            if (wake_at_ == next) {
                wake_at_ = kNever;
                user->wake_up();
            } else if (!hits()) {
                if (has_turn) { // else it is looked at again when all others are as far
                    miss();
                }
                break;
            }
            has_turn = false;
            next = next_cycle();
        } while (next < until);
        runs_ = false;
        tell_queue();
    }

    [[gnu::always_inline]] void
    readCallback(Addr line, DataBlock &data, bool miss = false, MachineType = MachineType_NUM)
    {
        if (miss && refused(line)) {
            return;
        }
        user->load_done(line, data, miss && is_remote(line));
    }

    [[gnu::always_inline]] void
    writeCallback(Addr line, DataBlock &data, bool miss = false, MachineType = MachineType_NUM)
    {
        if (miss && refused(line)) {
            return;
        }
        user->store_done(line, data, miss && is_remote(line));
    }

    void
    evictionCallback(Addr)
    {}

    CoreUser *user = nullptr;

  private:
    struct Request
    {
        Addr address;
        Cycle arrival;
        bool write;
    };

    Cycle
    next_arrival() const
    {
        return requests_.empty() ? kNever : requests_.front().arrival;
    }

    Cycle
    next_cycle() const
    {
        return std::min(wake_at_, next_arrival());
    }

    void
    tell_queue()
    {
        if (!runs_) {
            queue_->set_next(this, std::min(Moment::before_events(wake_at_),
                                            Moment::after_events(next_arrival())));
        }
    }

    void
    fill(RubyRequest &message) const
    {
        const Request &request = requests_.front();
        message.PhysicalAddress = request.address;
        message.LineAddress = request.address & ~(kLineBytes - 1);
        message.Type = request.write ? RubyRequestType_ST : RubyRequestType_LD;
    }

    // The request that arrives is answered now, if it hits.
    bool
    hits()
    {
        fill(hit_);
        if (!cache_->take_hit(hit_)) {
            return false;
        }
        requests_.pop_front();
        return true;
    }

    void
    miss()
    {
        auto *message = new RubyRequest;
        fill(*message);
        requests_.pop_front();
        cache_->arrive_at(port_, message);
    }

    [[gnu::noinline]] bool
    refused(Addr line)
    {
        if (home_table_ == nullptr || !home_table_->take_fault(cache_->id(), line)) {
            return false;
        }
        user->access_refused(line);
        return true;
    }

    [[gnu::noinline]] bool
    is_remote(Addr line)
    {
        return home_table_ != nullptr && home_table_->take_remote(cache_->id(), line);
    }

    Controller *cache_ = nullptr;
    const CacheMemory *lines_ = nullptr;
    HomeTable *home_table_ = nullptr;
    EventQueue *queue_ = nullptr;
    int port_ = 0;
    Cycles latency_ = 1;
    Fifo<Request, 64> requests_; // on their way to the cache, the first to arrive first
    Cycle wake_at_ = kNever;
    bool runs_ = false;
    RubyRequest hit_;
};

// A device's side of its DMA machine.
class DMASequencer
{
  public:
    class User
    {
      public:
        virtual void read_done(Addr line, const DataBlock &data) = 0;
        virtual void write_done(Addr line) = 0;

      protected:
        ~User() = default;
    };

    void
    dataCallback(const DataBlock &data, Addr line)
    {
        user->read_done(line, data);
    }

    void
    ackCallback(Addr line)
    {
        user->write_done(line);
    }

    User *user = nullptr;
};

} // namespace homeshift::engine

#endif // HOMESHIFT_ENGINE_SEQUENCER_HH
