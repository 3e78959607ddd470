// SPDX-License-Identifier: BSD-3-Clause
//
// Time. A wheel with one bucket a cycle for the near future and a heap for the
// rest. Events of one cycle fire by their order, and those of one order as they were
// scheduled, so a run is deterministic without sequence numbers in the wheel. What is
// scheduled for the current cycle fires at its end. A bucket is put in order when its
// cycle comes; until then it is a stack, so that nothing but its top is touched.
//
// Cores are not in the wheel: each is a Runner that knows when it has something to do,
// and may run ahead of the wheel as far as nothing can reach it from there.

#ifndef HOMESHIFT_ENGINE_EVENT_QUEUE_HH
#define HOMESHIFT_ENGINE_EVENT_QUEUE_HH

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <utility>
#include <vector>

#include "engine/runners.hh"
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

    virtual void fire() = 0;

    // Called instead of fire() when the queue goes before the event's time comes.
    virtual void
    discard()
    {}

  private:
    friend class EventQueue;
    Event *next_ = nullptr;

  public:
    // Of equal order, schedule_now() puts the one with the smaller age first; 0 is the youngest.
    std::uint64_t age = 0;

    // Smaller ones fire first within a cycle.
    std::uint32_t order = 0;

  protected:
    ~Event() = default;
};

class EventQueue
{
  public:
    EventQueue() = default;
    EventQueue(const EventQueue &) = delete;
    EventQueue &operator=(const EventQueue &) = delete;

    ~EventQueue()
    {
        discard(due_);
        for (Event *bucket : wheel_) {
            discard(bucket);
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
        return next_time() >= kNever;
    }

    // Cycles from any event to the next one that it can cause at a core, and, at least, of the way
    // from a node to another one. Before they are set, cores must not run ahead.
    void
    set_lookahead(Cycles lookahead, Cycles between_nodes)
    {
        lookahead_ = lookahead;
        between_nodes_ = between_nodes;
    }

    // While somebody looks at what runners do step by step, none runs ahead.
    void
    hold_back()
    {
        ++held_back_;
    }

    void
    let_go()
    {
        --held_back_;
    }

    void
    set_runners_per_node(unsigned runners)
    {
        runners_.set_per_node(runners);
    }

    void
    add(Runner *runner)
    {
        runners_.add(runner);
    }

    void
    set_next(const Runner *runner, Moment next)
    {
        runners_.set(runner, next);
    }

    // For a runner that runs ahead: it is later for it than for all others.
    void
    run_ahead_to(Cycle time)
    {
        now_ = time;
    }

    // For a runner that runs: its action counts as an event.
    void
    count_event()
    {
        ++fired_;
    }

    void
    schedule(Event *event, Cycle when)
    {
        if (when - now_ < kBuckets) {
            push(event, when);
        } else {
            schedule_far(event, when);
        }
    }

    // Let an event not fire that is scheduled for a cycle to come.
    void
    remove(const Event *event, Cycle when)
    {
        const auto far = std::find_if(far_.begin(), far_.end(),
                                      [event](const Far &other) { return other.event == event; });
        if (far != far_.end()) {
            far_.erase(far);
            std::make_heap(far_.begin(), far_.end());
            return;
        }
        Event **place = &wheel_[when & kMask];
        while (*place != event) {
            place = &(*place)->next_;
        }
        *place = event->next_;
        if (wheel_[when & kMask] == nullptr) {
            clear_occupied(when);
        }
    }

    // Let an event fire in the current cycle, in its place among those that are still to fire.
    void
    schedule_now(Event *event)
    {
        Event **place = &due_;
        const auto before = [event](const Event &other) {
            return other.order != event->order ? other.order < event->order
                                               : other.age - 1 < event->age - 1;
        };
        while (*place != nullptr && before(**place)) {
            place = &(*place)->next_;
        }
        event->next_ = *place;
        *place = event;
    }

    // Whether no event is left to fire in the current cycle.
    bool
    nothing_left_now() const
    {
        return due_ == nullptr;
    }

    // Order of the event that fires next in the current cycle; the highest if none is left.
    std::uint32_t
    next_order_now() const
    {
        return due_ == nullptr ? ~std::uint32_t{0} : due_->order;
    }

    // Fire events up to and including cycle `last`, or the one in which `stop` is set: every cycle
    // is finished. Afterwards now() is the last cycle looked at.
    void
    run(Cycle last, const bool &stop)
    {
        run_while<true>(last, stop);
    }

    void
    run(Cycle last)
    {
        run_while<false>(last, false);
    }

    // Fire events until none is left; false if some are left at cycle `limit`.
    bool
    run_dry(Cycle limit)
    {
        while (!empty() && now_ < limit) {
            run(now_ + 1);
            if (!empty()) {
                advance(std::min(next_time(), limit));
            }
        }
        return empty();
    }

  private:
    static constexpr unsigned kWords = 64;
    static constexpr unsigned kBuckets = 64 * kWords;
    static constexpr Cycle kMask = kBuckets - 1;

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

    template <bool MayStop>
    void
    run_while(Cycle last, const bool &stop)
    {
        while (true) {
            const Cycle event = next_event();
            const Moment first = runners_.first();
            const bool runner = first <= Moment::before_events(event);
            const Cycle next = runner ? first.cycle() : event;
            const Cycle end = MayStop && stop ? now_ : last;
            if (next > end) {
                advance(std::max(now_, end));
                return;
            }
            advance(next);
            runner ? run_first<MayStop>(event, end) : fire_all();
        }
    }

    // Fire what is to fire in the current cycle.
    void
    fire_all()
    {
        take_due();
        while (Event *event = due_) {
            due_ = event->next_;
            ++fired_;
            event->fire();
        }
    }

    // Put what is to fire in the current cycle in order. Most buckets hold a few.
    void
    take_due()
    {
        Event *event = std::exchange(wheel_[now_ & kMask], nullptr);
        clear_occupied(now_);
        if (due_ == nullptr && event != nullptr) {
            due_ = event;
            event = std::exchange(event->next_, nullptr);
        }
        while (event != nullptr) { // the last one scheduled comes first
            Event *const next = event->next_;
            Event **place = &due_;
            while (*place != nullptr && (*place)->order < event->order) {
                place = &(*place)->next_;
            }
            event->next_ = *place;
            *place = event;
            event = next;
        }
    }

    // Let the runner that comes first run: what it has to do now, and more until something may
    // reach it. If the run may stop at an event, nobody must be ahead of that.
    template <bool MayStop>
    void
    run_first(Cycle event, Cycle last)
    {
        const auto [runner, near, far] = runners_.first_runner();
        const Cycle now = now_;
        Cycle until = now;
        if (lookahead_ != 0 && held_back_ == 0) {
            const Cycle reached = std::clamp(runner.next_expected(now), event, event + lookahead_);
            const Cycle others = std::min(near.cycle() + lookahead_, far.cycle() + between_nodes_);
            until = MayStop ? std::min({event, std::min(near, far).cycle() + lookahead_, last + 1})
                            : std::min({reached, others + lookahead_, last + 1});
        }
        runner.run(until);
        now_ = now;
    }

    [[gnu::noinline]] void
    schedule_far(Event *event, Cycle when)
    {
        far_.push_back({when, sequence_++, event});
        std::push_heap(far_.begin(), far_.end());
    }

    static void
    discard(Event *list)
    {
        while (list != nullptr) {
            std::exchange(list, list->next_)->discard();
        }
    }

    void
    push(Event *event, Cycle when)
    {
        Event *&bucket = wheel_[when & kMask];
        event->next_ = bucket;
        bucket = event;
        const Cycle word = (when & kMask) >> 6;
        occupied_[word] |= std::uint64_t{1} << (when & 63);
        occupied_words_ |= std::uint64_t{1} << word;
    }

    void
    clear_occupied(Cycle when)
    {
        std::uint64_t &word = occupied_[(when & kMask) >> 6];
        word &= ~(std::uint64_t{1} << (when & 63));
        if (word == 0) [[unlikely]] {
            occupied_words_ &= ~(std::uint64_t{1} << ((when & kMask) >> 6));
        }
    }

    // When something happens next; kNever if nothing does.
    Cycle
    next_time() const
    {
        return std::min(next_event(), runners_.first().cycle());
    }

    // Time of the next event, which may be the current cycle; kNever if there is none.
    Cycle
    next_event() const
    {
        if (due_ != nullptr) {
            return now_;
        }
        const unsigned word = (now_ & kMask) >> 6;
        const std::uint64_t soon = occupied_[word] >> (now_ & 63);
        if (soon != 0) {
            return now_ + static_cast<Cycle>(std::countr_zero(soon));
        }
        const unsigned after = (word + 1) % kWords;
        const std::uint64_t words = std::rotr(occupied_words_, static_cast<int>(after));
        if (words == 0) {
            return far_.empty() ? kNever : far_.front().when;
        }
        const auto further = static_cast<unsigned>(std::countr_zero(words)); // words after the next
        const std::uint64_t bits = occupied_[(after + further) % kWords];
        return (now_ | 63) + 1 + 64 * further + static_cast<Cycle>(std::countr_zero(bits));
    }

    void
    advance(Cycle to)
    {
        now_ = to;
        if (!far_.empty()) [[unlikely]] {
            take_from_far();
        }
    }

    [[gnu::noinline]] void
    take_from_far()
    {
        while (!far_.empty() && far_.front().when - now_ < kBuckets) {
            std::pop_heap(far_.begin(), far_.end());
            push(far_.back().event, far_.back().when);
            far_.pop_back();
        }
    }

    Cycle now_ = 0;
    Cycles lookahead_ = 0;
    Cycles between_nodes_ = 0;
    unsigned held_back_ = 0;
    Runners runners_;
    std::uint64_t fired_ = 0;
    std::uint64_t sequence_ = 0;
    Event *due_ = nullptr; // what is left to fire in the current cycle, in order
    std::array<Event *, kBuckets> wheel_{};
    std::array<std::uint64_t, kWords> occupied_{}; // a bit for each bucket
    std::uint64_t occupied_words_ = 0;             // and for each word of these
    std::vector<Far> far_;
};

} // namespace homeshift::engine

#endif // HOMESHIFT_ENGINE_EVENT_QUEUE_HH
