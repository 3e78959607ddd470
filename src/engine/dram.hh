// SPDX-License-Identifier: BSD-3-Clause
//
// A node's DRAM as gem5's SimpleMemory models it: an access begins when the one
// before has left the bus (a line's size over the bandwidth), and is answered a
// fixed latency after it began. The answer reaches the Memory machine one cycle
// after the clock edge that follows.
//
// As in gem5, the Memory machine hands over one access a wake-up, and the next one
// a cycle later at the earliest; or when the bus is free, if it was not. As long as a
// line takes two cycles, the bus is never free before it is asked. On a faster one
// there are gaps, and so every wake-up counts.

#ifndef HOMESHIFT_ENGINE_DRAM_HH
#define HOMESHIFT_ENGINE_DRAM_HH

#include <algorithm>
#include <cstdint>

#include "common/flat_map.hh"
#include "engine/controller.hh"
#include "engine/fifo.hh"
#include "engine/pool.hh"
#include "engine/upcoming.hh"

namespace homeshift::engine
{

class Dram final : public MemoryPort
{
  public:
    struct Counts
    {
        std::uint64_t reads; // that have begun
        std::uint64_t writes;
        Tick busy; // ps, of the bus
    };

    // latency and line_time (of a line on the bus) in ps. keep_data: store what is
    // written, which only the data check needs.
    Dram(Tick clock_period, Tick latency, Tick line_time, bool keep_data)
        : clock_period_(clock_period),
          latency_(latency),
          line_time_(line_time),
          may_leave_gaps_(line_time < 2 * clock_period),
          keep_data_(keep_data)
    {}

    Dram(const Dram &) = delete;
    Dram &operator=(const Dram &) = delete;

    ~Dram()
    {
        for (const Waiting &waiting : waiting_) {
            waiting.message->discard();
        }
    }

    void
    connect(Controller *memory, int port, EventQueue *queue)
    {
        memory_ = memory;
        port_ = port;
        queue_ = queue;
    }

    void
    request(MemoryMsg *message, Cycle when) override
    {
        if (!may_leave_gaps_) {
            begin(message, std::max(when * clock_period_, free_at_));
            return;
        }
        serve(); // what has brought the request has woken the machine up
        waiting_.push_back({message, when});
        wake_at(when);
    }

    Counts
    counts()
    {
        count_begun();
        return {reads_, writes_, (reads_ + writes_) * line_time_ + left_at_reset_ - left()};
    }

    void
    reset_counts()
    {
        count_begun();
        reads_ = writes_ = 0;
        left_at_reset_ = left();
    }

  private:
    struct Waiting
    {
        MemoryMsg *message;
        Cycle ready;
    };

    struct Wake final : public Event, public Pooled<Wake>
    {
        explicit Wake(Dram &dram) : dram(dram)
        {}

        [[gnu::cold]] void // so that compilers expect messages in the queue
        fire() override
        {
            dram.serve();
            delete this;
        }

        void
        discard() override
        {
            delete this;
        }

        Dram &dram;
    };

    void
    wake_at(Cycle cycle)
    {
        queue_->schedule(new Wake(*this), cycle);
    }

    // The machine is woken up; more than once in a cycle is as good as once.
    void
    serve()
    {
        const Cycle now = queue_->now();
        const Tick tick = now * clock_period_;
        if (told_at_ >= tick || served_ == now || waiting_.empty() ||
            waiting_.front().ready > now) {
            return; // gem5 tells it after what else it does at that tick
        }
        served_ = now;
        MemoryMsg *const message = waiting_.front().message;
        waiting_.pop_front();
        wake_at(now + 1);
        if (free_at_ > tick) { // it is told when the bus is free, and woken up a cycle later again
            told_at_ = free_at_;
            wake_at(edge_from(free_at_) + 1);
            begin(message, free_at_);
        } else {
            begin(message, tick);
        }
    }

    // Called when an access begins.
    auto
    counter()
    {
        return [this](Tick start, bool read) {
            ++(read ? reads_ : writes_);
            bus_until_ = start + line_time_;
        };
    }

    void
    begin(MemoryMsg *message, Tick start)
    {
        free_at_ = start + line_time_;
        const bool read = message->Type == MemoryRequestType_MEMORY_READ;
        if (read) {
            const std::uint64_t *stored = keep_data_ ? data_.find(message->addr) : nullptr;
            message->DataBlk.token = stored ? *stored : 0;
        } else if (keep_data_) {
            data_.set(message->addr, message->DataBlk.token);
        }
        upcoming_.add(start, read, end_of_cycle(), counter());
        message->OriginalRequestorMachId = message->Sender;
        const Cycle answer = edge_from(start + latency_) + 1;
        memory_->enqueue_local(message, port_, answer - queue_->now());
        if (may_leave_gaps_) {
            wake_at(answer);
        }
    }

    // The first clock edge that is not before.
    Cycle
    edge_from(Tick tick) const
    {
        return (tick + clock_period_ - 1) / clock_period_;
    }

    Tick
    end_of_cycle() const
    {
        return (queue_->now() + 1) * clock_period_ - 1;
    }

    void
    count_begun()
    {
        upcoming_.take(end_of_cycle(), counter());
    }

    // Of the line that is on the bus, in ps.
    Tick
    left() const
    {
        return std::max(bus_until_, end_of_cycle()) - end_of_cycle();
    }

    Tick clock_period_;
    Tick latency_;
    Tick line_time_;
    bool may_leave_gaps_;
    bool keep_data_;
    Tick free_at_ = 0;
    Controller *memory_ = nullptr;
    int port_ = 0;
    EventQueue *queue_ = nullptr;
    FlatMap<std::uint64_t> data_;

    Fifo<Waiting> waiting_;
    Tick told_at_ = 0; // that the bus is free
    Cycle served_ = kNever;

    Upcoming<bool> upcoming_; // whether it is a read
    std::uint64_t reads_ = 0; // that have begun
    std::uint64_t writes_ = 0;
    Tick bus_until_ = 0; // with those
    Tick left_at_reset_ = 0;
};

} // namespace homeshift::engine

#endif // HOMESHIFT_ENGINE_DRAM_HH
