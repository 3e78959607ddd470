// SPDX-License-Identifier: BSD-3-Clause
//
// Time. A wheel with one bucket a cycle for the near future and a heap for the
// rest. Events of one cycle fire by their order, and those of one order as they were
// scheduled, so a run is deterministic without sequence numbers in the wheel. What is
// scheduled for the current cycle fires at its end.

#ifndef HOMESHIFT_ENGINE_EVENT_QUEUE_HH
#define HOMESHIFT_ENGINE_EVENT_QUEUE_HH

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <vector>

#include "engine/types.hh"

namespace homeshift::engine
{

class Event
{
  public:
    Event() = default;
    Event(const Event &other) : order(other.order)
    {} // a copy is not scheduled
    Event &operator=(const Event &) = delete;
    virtual ~Event() = default;

    virtual void fire() = 0;

    // Called instead of fire() when the queue goes before the event's time comes.
    virtual void
    discard()
    {}

    // Smaller ones fire first within a cycle.
    std::uint16_t order = 0;

    // Of equal order, schedule_now() puts the one with the smaller age first; 0 is the youngest.
    std::uint64_t age = 0;

  private:
    friend class EventQueue;
    Event *next_ = nullptr;
};

class EventQueue
{
  public:
    EventQueue() = default;
    EventQueue(const EventQueue &) = delete;
    EventQueue &operator=(const EventQueue &) = delete;

    ~EventQueue()
    {
        for (Bucket &bucket : wheel_) {
            while (Event *event = pop(bucket)) {
                event->discard();
            }
        }
        for (const Far &far : far_) {
            far.event->discard();
        }
    }

    const Cycle &
    now() const
    {
        return now_;
    }

    std::uint64_t
    fired() const
    {
        return fired_;
    }

    bool
    empty() const
    {
        return pending_ == 0;
    }

    void
    schedule(Event *event, Cycle when)
    {
        ++pending_;
        if (when - now_ < kBuckets) {
            append(event, when);
        } else {
            far_.push_back({when, sequence_++, event});
            std::push_heap(far_.begin(), far_.end());
        }
    }

    // Let an event fire in the current cycle, in its place among those that are still to fire.
    void
    schedule_now(Event *event)
    {
        ++pending_;
        Bucket &bucket = wheel_[now_ & kMask];
        Event **place = &bucket.head;
        const auto before = [event](const Event &other) {
            return other.order != event->order ? other.order < event->order
                                               : other.age - 1 < event->age - 1;
        };
        while (*place != nullptr && before(**place)) {
            place = &(*place)->next_;
        }
        event->next_ = *place;
        *place = event;
        if (event->next_ == nullptr) {
            bucket.tail = event;
        }
    }

    // Fire events up to and including cycle `last`, or until `stop` is set or
    // nothing is left; afterwards now() is the last cycle looked at.
    void
    run(Cycle last, const bool &stop)
    {
        while (!stop) {
            Bucket &bucket = wheel_[now_ & kMask];
            sort(bucket);
            while (Event *event = pop(bucket)) {
                --pending_;
                ++fired_;
                event->fire();
                if (stop) {
                    return;
                }
            }
            occupied_[(now_ & kMask) >> 6] &= ~(std::uint64_t{1} << (now_ & 63));
            const Cycle next = next_time();
            if (next > last) {
                advance(std::max(now_, last));
                return;
            }
            advance(next);
        }
    }

    // Fire events until none is left; false if some are left at cycle `limit`.
    bool
    run_dry(Cycle limit)
    {
        const bool never = false;
        while (pending_ != 0 && now_ < limit) {
            run(now_ + 1, never);
            if (pending_ != 0) {
                advance(std::min(next_time(), limit));
            }
        }
        return pending_ == 0;
    }

  private:
    static constexpr unsigned kBuckets = 4096;
    static constexpr Cycle kMask = kBuckets - 1;

    struct Bucket
    {
        Event *head = nullptr;
        Event *tail = nullptr;
    };

    struct Far
    {
        Cycle when;
        std::uint64_t sequence;
        Event *event;

        bool
        operator<(const Far &other) const // the heap's top is the earliest
        {
            return when != other.when ? when > other.when : sequence > other.sequence;
        }
    };

    static Event *
    pop(Bucket &bucket)
    {
        Event *event = bucket.head;
        if (event != nullptr) {
            bucket.head = event->next_;
            event->next_ = nullptr;
            if (bucket.head == nullptr) {
                bucket.tail = nullptr;
            }
        }
        return event;
    }

    // Insertion sort: most buckets are short, or in order already.
    static void
    sort(Bucket &bucket)
    {
        Event *last = bucket.head; // of the part that is in order
        while (last != nullptr && last->next_ != nullptr) {
            Event *event = last->next_;
            if (last->order <= event->order) {
                last = event;
                continue;
            }
            last->next_ = event->next_;
            Event **place = &bucket.head;
            while ((*place)->order <= event->order) {
                place = &(*place)->next_;
            }
            event->next_ = *place;
            *place = event;
        }
        bucket.tail = last;
    }

    void
    append(Event *event, Cycle when)
    {
        Bucket &bucket = wheel_[when & kMask];
        (bucket.tail == nullptr ? bucket.head : bucket.tail->next_) = event;
        bucket.tail = event;
        occupied_[(when & kMask) >> 6] |= std::uint64_t{1} << (when & 63);
    }

    // Time of the next event after the current cycle; ~0 if there is none.
    Cycle
    next_time() const
    {
        const unsigned start = static_cast<unsigned>((now_ + 1) & kMask);
        unsigned word = start >> 6;
        std::uint64_t bits = occupied_[word] & (~std::uint64_t{0} << (start & 63));
        for (unsigned looked = 0; looked <= kBuckets / 64; ++looked) {
            if (bits != 0) {
                const unsigned bucket = (word << 6) | static_cast<unsigned>(std::countr_zero(bits));
                return now_ + 1 + ((bucket - start) & kMask);
            }
            word = (word + 1) & (kBuckets / 64 - 1);
            bits = occupied_[word];
        }
        return far_.empty() ? ~Cycle{0} : far_.front().when;
    }

    void
    advance(Cycle to)
    {
        now_ = to;
        while (!far_.empty() && far_.front().when - now_ < kBuckets) {
            std::pop_heap(far_.begin(), far_.end());
            append(far_.back().event, far_.back().when);
            far_.pop_back();
        }
    }

    Cycle now_ = 0;
    std::uint64_t fired_ = 0;
    std::uint64_t pending_ = 0;
    std::uint64_t sequence_ = 0;
    std::array<Bucket, kBuckets> wheel_{};
    std::array<std::uint64_t, kBuckets / 64> occupied_{};
    std::vector<Far> far_;
};

} // namespace homeshift::engine

#endif // HOMESHIFT_ENGINE_EVENT_QUEUE_HH
