// SPDX-License-Identifier: BSD-3-Clause
//
// What keeps its own time: cores, each with the moment at which it next has something
// to do. The first of them is at hand, the change of one costs the logarithm of their
// number: a tree of which every inner node holds the earlier moment of the two below.

#ifndef HOMESHIFT_ENGINE_RUNNERS_HH
#define HOMESHIFT_ENGINE_RUNNERS_HH

#include <algorithm>
#include <bit>
#include <compare>
#include <cstdint>
#include <vector>

#include "engine/types.hh"

namespace homeshift::engine
{

constexpr Cycle kNever = ~Cycle{0} >> 2; // so that there is room behind it

// A cycle, before or after the events in it.
class Moment
{
  public:
    static constexpr Moment
    before_events(Cycle cycle)
    {
        return Moment(2 * cycle);
    }

    static constexpr Moment
    after_events(Cycle cycle)
    {
        return Moment(2 * cycle + 1);
    }

    constexpr Moment() = default; // never

    constexpr Cycle
    cycle() const
    {
        return value_ / 2;
    }

    constexpr auto operator<=>(const Moment &) const = default;

  private:
    explicit constexpr Moment(std::uint64_t value) : value_(value)
    {}

    std::uint64_t value_ = 2 * kNever;
};

class Runner
{
  public:
    // Do what is to be done now, then all that is to be done before the cycle `until` and concerns
    // nobody else. The queue's time may be moved on meanwhile.
    virtual void run(Cycle until) = 0;

    // An event may reach it at that cycle.
    void
    expect(Cycle event, Cycle now)
    {
        forget_past(now);
        const Cycle place = event / kGrain - first_;
        if (place < kPlaces) [[likely]] {
            expected_ |= std::uint64_t{1} << place;
        } else {
            last_far_ = std::max(last_far_, event);
        }
    }

    // From now on none reaches it before that cycle, nor before there is any event.
    Cycle
    next_expected(Cycle now)
    {
        forget_past(now);
        if (now <= last_far_) {
            return now;
        }
        const auto next = static_cast<Cycle>(std::countr_zero(expected_));
        return expected_ == 0 ? kNever : (first_ + next) * kGrain;
    }

  protected:
    ~Runner() = default;

  private:
    friend class Runners;
    static constexpr Cycles kGrain = 2; // cycles that are told apart
    static constexpr Cycles kPlaces = 64;

    void
    forget_past(Cycle now)
    {
        const Cycle over = now / kGrain - first_;
        first_ += over;
        expected_ = over < kPlaces ? expected_ >> over : 0;
    }

    std::size_t leaf_ = 0;
    std::uint64_t expected_ = 0; // a bit for each grain from the first one on
    Cycle first_ = 0;
    Cycle last_far_ = 0; // beyond the bits when it was told
};

class Runners
{
  public:
    // How many are added for each node, one node after the other: each node is a subtree.
    void
    set_per_node(std::size_t runners)
    {
        per_node_ = runners;
        leaves_ = std::bit_ceil(runners);
    }

    void
    add(Runner *runner)
    {
        if (runners_.size() % leaves_ == per_node_) {
            runners_.resize(runners_.size() + leaves_ - per_node_); // nobody is there
        }
        runners_.push_back(runner);
        first_leaf_ = std::max(std::bit_ceil(runners_.size()), leaves_);
        moments_.assign(2 * first_leaf_, Moment{}); // nobody has anything to do yet
        for (std::size_t i = 0; i < runners_.size(); ++i) {
            if (runners_[i] != nullptr) {
                runners_[i]->leaf_ = first_leaf_ + i;
            }
        }
    }

    const Moment &
    first() const
    {
        return moments_[1];
    }

    struct First
    {
        Runner &runner;
        Moment near; // the first one of all others of its node
        Moment far;  // and of all of other nodes
    };

    First
    first_runner() const
    {
        std::size_t at = 1;
        const Moment far = descend(at, first_leaf_ / leaves_);
        const Moment near = descend(at, first_leaf_);
        return {*runners_[at - first_leaf_], near, far};
    }

    void
    set(const Runner *runner, Moment next)
    {
        std::size_t at = runner->leaf_;
        moments_[at] = next;
        for (at /= 2; at > 0; at /= 2) {
            moments_[at] = earlier(moments_[2 * at], moments_[2 * at + 1]);
        }
    }

  private:
    static constexpr Moment
    earlier(Moment a, Moment b) // by value: in registers
    {
        return a <= b ? a : b;
    }

    // Down the tree towards the first one, to the places from `end` on. Returns the first one of
    // all that are left aside.
    Moment
    descend(std::size_t &at, std::size_t end) const
    {
        Moment other;
        while (at < end) {
            at = 2 * at + (moments_[2 * at] <= moments_[at] ? 0 : 1);
            other = earlier(other, moments_[at ^ 1]);
        }
        return other;
    }

    std::size_t per_node_ = 1;
    std::size_t leaves_ = 1; // of a node
    std::vector<Runner *> runners_;
    std::vector<Moment> moments_ = std::vector<Moment>(2); // the children of i: 2i and 2i + 1
    std::size_t first_leaf_ = 1;
};

} // namespace homeshift::engine

#endif // HOMESHIFT_ENGINE_RUNNERS_HH
