// SPDX-License-Identifier: BSD-3-Clause
//
// Every reachable state, breadth first: so the first fault found has a shortest way.
//
// Of a state that has been expanded only a fingerprint of 64 bits is kept, with the
// number of its predecessor and of the step from there; a trace is found by taking
// these steps again. With n states, the chance that two have one fingerprint, so
// that one is missed, is about n * n / 2^65: 3 in a million for ten million states.
//
// A step is the taking of one message, or a stimulus (a request of a core, an
// eviction, a command). After the search, the graph of the steps that take messages
// is looked at backwards: if it has no cycle, and ends in quiet states only, then
// every request is answered, whatever the order, and whatever else is asked.

#ifndef HOMESHIFT_CHECKER_SEARCH_HH
#define HOMESHIFT_CHECKER_SEARCH_HH

#include <chrono>
#include <optional>

#include "checker/state.hh"
#include "checker/step.hh"

namespace homeshift::engine
{

// 64-bit fingerprints and the numbers of their states.
class Visited
{
  public:
    // The state's number; `next` if it is new.
    std::uint32_t
    number(std::uint64_t print, std::uint32_t next)
    {
        if ((count_ + 1) * 5 > slots_.size() * 3) {
            grow();
        }
        print += print == 0;
        Slot &slot = place_of(print, slots_);
        if (slot.print == 0) {
            slot = {print, next};
            ++count_;
        }
        return slot.number;
    }

    std::size_t
    bytes() const
    {
        return slots_.size() * sizeof(Slot);
    }

  private:
    // 12 bytes, side by side: most look-ups are of states that are there, and both are read.
    struct [[gnu::packed]] Slot
    {
        std::uint64_t print = 0;
        std::uint32_t number = 0;
    };

    static Slot &
    place_of(std::uint64_t print, std::vector<Slot> &slots)
    {
        std::size_t i = print & (slots.size() - 1);
        while (slots[i].print != print && slots[i].print != 0) {
            i = (i + 1) & (slots.size() - 1);
        }
        return slots[i];
    }

    void
    grow()
    {
        std::vector<Slot> slots(slots_.size() * 2);
        for (const Slot &slot : slots_) {
            if (slot.print != 0) {
                place_of(slot.print, slots) = slot;
            }
        }
        slots_.swap(slots);
    }

    std::vector<Slot> slots_ = std::vector<Slot>(1 << 16);
    std::size_t count_ = 0;
};

struct Limits
{
    std::uint64_t states = ~std::uint64_t{0};
    std::uint64_t bytes = ~std::uint64_t{0};
    double seconds = 1e18;
    bool completion = true; // keep the graph, to see that every request completes
};

struct Fault
{
    std::string what;
    std::uint32_t state; // in which it shows, or from which the step leads to it
    std::optional<Step> step;
};

class Search
{
  public:
    Search(Machine &machine, const Limits &limits)
        : machine_(machine),
          limits_(limits),
          codec_(machine),
          start_(std::chrono::steady_clock::now())
    {
        for (unsigned number = 0; number < kStimuli; ++number) {
            if (kLimits[kChosen[number].kind] != 0) {
                stimuli_.push_back(static_cast<Step>(kMaxMessages + number));
            }
        }
    }

    std::uint64_t
    states() const
    {
        return parents_.size();
    }

    std::uint64_t steps = 0;
    unsigned depth = 0;
    unsigned widest = 0; // messages in a state
    std::uint64_t quiet_states = 0;
    std::uint64_t quiet_print = 0; // of all of them together
    bool complete = false;
    std::optional<Fault> fault;
    std::array<bool, kCovers + 1> covered{};

    double
    seconds() const
    {
        return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
    }

    std::size_t
    bytes() const
    {
        return visited_.bytes() + parents_.capacity() * 6 +
               (edges_.capacity() + ends_.capacity()) * 4 + level_.capacity() +
               next_level_.capacity();
    }

    // With what look_back() will take of the states that there are.
    std::size_t
    bytes_to_the_end() const
    {
        return bytes() + (limits_.completion ? edges_.size() * 4 + parents_.size() * 12 : 0);
    }

    // Reports now and then.
    template <typename Report>
    void
    run(Report report)
    {
        initial_ = State{};
        world.begin_step();
        world.touched = ~0u;
        initial_order_ = codec_.pack(initial_).order;
        parents_.push_back(0);
        steps_.push_back(0);
        visited_.number(fingerprint(initial_), 0);
        if (!holds(0)) {
            return;
        }
        append(level_, initial_);
        std::uint32_t number = 0;
        for (; !level_.empty(); ++depth) {
            for (std::size_t at = 0; at < level_.size(); ++number) {
                State state;
                at = read(level_, at, state);
                if (!expand(state, number)) {
                    return;
                }
                if ((number & 0x3fff) == 0) {
                    report(*this);
                    if (states() >= limits_.states || bytes_to_the_end() >= limits_.bytes ||
                        seconds() >= limits_.seconds || states() >= 0xfffffff0u) {
                        return;
                    }
                }
            }
            level_.swap(next_level_);
            next_level_.clear();
        }
        complete = true;
        if (limits_.completion) {
            look_back();
        }
    }

    // The steps to the fault, each given to `show` with what was logged: the order is what the
    // nodes are called.
    template <typename Show>
    void
    retrace(Show show)
    {
        std::vector<Step> way;
        for (std::uint32_t at = fault->state; at != 0; at = parents_[at]) {
            way.push_back(steps_[at]);
        }
        std::reverse(way.begin(), way.end());
        if (fault->step) {
            way.push_back(*fault->step);
        }
        State state = initial_;
        for (unsigned node = 0; node < kNodes; ++node) {
            FieldPrinter::called[initial_order_[node]] = static_cast<Byte>(node);
        }
        for (std::size_t i = 0; i < way.size(); ++i) {
            std::vector<Logged> log;
            codec_.unpack(state);
            const bool stimulus = way[i] >= kMaxMessages;
            const std::string taken = stimulus ? "" : message_json(world.messages[way[i]]);
            std::string error;
            world.log = &log;
            try {
                fire(way[i]);
            } catch (const ProtocolError &e) {
                error = e.what();
            }
            world.log = nullptr;
            show(stimulus ? static_cast<int>(way[i] - kMaxMessages) : -1, taken, log, error);
            if (!error.empty()) {
                fault->what = error; // with the names of the trace
                return;
            }
            const Renaming &renaming = codec_.pack(state);
            const auto before = FieldPrinter::called;
            for (unsigned node = 0; node < kNodes; ++node) {
                FieldPrinter::called[renaming.order[node]] = before[node];
            }
        }
        codec_.unpack(state);
    }

    // Steps that are named, one after another, of the machine as it starts.
    template <typename Show, typename AtEnd>
    Ending
    replay(const std::vector<std::string> &names, Show show, AtEnd at_end)
    {
        const auto at_once = [this](std::size_t) { take_at_once(); };
        const auto settle = [this] {
            world.touched = ~0u;
            codec_.settle_values();
            codec_.settle_machine();
        };
        return take_steps(machine_, names, at_once, show, settle, at_end);
    }

  private:
    static void
    append(std::vector<Byte> &to, const State &state)
    {
        const auto *size = reinterpret_cast<const Byte *>(&state.size);
        to.insert(to.end(), size, size + sizeof state.size);
        to.insert(to.end(), state.bytes, state.bytes + state.size);
    }

    static std::size_t
    read(const std::vector<Byte> &from, std::size_t at, State &state)
    {
        std::memcpy(&state.size, &from[at], sizeof state.size);
        at += sizeof state.size;
        std::memcpy(state.bytes, &from[at], state.size);
        std::memset(state.bytes + state.size, 0, 16); // as fingerprint() wants it
        return at + state.size;
    }

    void
    take_at_once()
    {
        if (world.reduced) {
            engine::take_at_once(machine_);
        }
    }

    bool
    fire(Step step)
    {
        return engine::fire(machine_, step, [this] { take_at_once(); });
    }

    bool
    expand(const State &state, std::uint32_t number)
    {
        codec_.unpack(state);
        save();
        const unsigned count = world.count;
        widest = std::max(widest, count);
        const bool quiet = count == 0 && machine_.quiet();
        quiet_states += quiet;
        quiet_print ^= quiet ? fingerprint(state) : 0;
        const Machine::Watched before = machine_.watched();
        bool taken = false;
        for (unsigned i = 0; i < count && !fault; ++i) {
            const Travelling &message = world.messages[i];
            if (world.deliverable(message) && (i == 0 || !(message == world.messages[i - 1]))) {
                taken = try_step(static_cast<Step>(i), number, before) || taken;
            }
        }
        if (!taken && !quiet && !fault) {
            fault = Fault{kDeadlock, number, std::nullopt};
        }
        for (std::size_t i = 0; i < stimuli_.size() && !fault; ++i) {
            try_step(stimuli_[i], number, before);
        }
        if (limits_.completion) {
            ends_.push_back(static_cast<std::uint32_t>(edges_.size()));
            quiet_.push_back(quiet);
        }
        return !fault;
    }

    // Take a step from the state with that number, and back; false if there is no such step.
    bool
    try_step(Step step, std::uint32_t number, const Machine::Watched &before)
    {
        try {
            if (!fire(step)) {
                if (world.refused) { // else nothing was begun
                    restore();
                }
                return false;
            }
        } catch (const ProtocolError &error) {
            fault = Fault{error.what(), number, step};
            return true;
        }
        ++steps;
        if (const char *broken = machine_.broken_by_step(before); broken != nullptr) {
            fault = Fault{broken, number, step};
            return true;
        }
        codec_.pack(successor_);
        const auto next = static_cast<std::uint32_t>(parents_.size());
        const std::uint32_t found = visited_.number(fingerprint(successor_), next);
        if (step < kMaxMessages && limits_.completion) {
            edges_.push_back(found);
        }
        if (found == next) {
            parents_.push_back(number);
            steps_.push_back(step);
            append(next_level_, successor_);
            holds(next);
        }
        restore();
        return true;
    }

    // The invariants, of the working machine.
    bool
    holds(std::uint32_t number)
    {
        const char *broken = broken_property(machine_);
        machine_.cover(covered);
        if (broken != nullptr) {
            fault = Fault{broken, number, std::nullopt};
        }
        return broken == nullptr;
    }

    void
    save()
    {
        std::memcpy(saved_machine_, static_cast<const void *>(&machine_), sizeof machine_);
        saved_count_ = world.count;
        std::memcpy(saved_messages_, world.messages, world.count * sizeof(Travelling));
        std::memcpy(saved_memory_, world.memory, sizeof world.memory);
        std::memcpy(saved_pending_, world.pending, sizeof world.pending);
    }

    void
    restore()
    {
        for (unsigned node = 0; node < kNodes; ++node) {
            if (world.touched >> node & 1) {
                std::memcpy(static_cast<void *>(&machine_.node[node]), &saved().node[node],
                            sizeof(Node));
            }
        }
        std::memcpy(static_cast<void *>(&machine_.single), &saved().single, sizeof(Single));
        world.count = saved_count_;
        std::memcpy(world.messages, saved_messages_, saved_count_ * sizeof(Travelling));
        std::memcpy(world.memory, saved_memory_, sizeof world.memory);
        std::memcpy(world.pending, saved_pending_, sizeof world.pending);
    }

    const Machine &
    saved() const
    {
        return *reinterpret_cast<const Machine *>(saved_machine_);
    }

    // Takes away states from which no message can be taken, again and again. What is left goes
    // round in cycles: then it must at least be able to come to a quiet state.
    void
    look_back()
    {
        const std::size_t n = parents_.size();
        std::vector<std::uint32_t> begin(n + 2);
        for (std::uint32_t to : edges_) {
            ++begin[to + 2];
        }
        for (std::size_t i = 2; i < n + 2; ++i) {
            begin[i] += begin[i - 1];
        }
        std::vector<std::uint32_t> from(edges_.size());
        std::vector<std::uint32_t> left(n);
        std::uint32_t edge = 0;
        for (std::uint32_t state = 0; state < n; ++state) {
            left[state] = ends_[state] - edge;
            for (; edge < ends_[state]; ++edge) {
                from[begin[edges_[edge] + 1]++] = state;
            }
        }
        std::vector<std::uint32_t> order;
        for (std::uint32_t state = 0; state < n; ++state) {
            if (left[state] == 0) {
                order.push_back(state);
            }
        }
        for (std::size_t i = 0; i < order.size(); ++i) {
            for (std::uint32_t e = begin[order[i]]; e < begin[order[i] + 1]; ++e) {
                if (--left[from[e]] == 0) {
                    order.push_back(from[e]);
                }
            }
        }
        always_ends = order.size() == n;
        if (always_ends) {
            return;
        }
        std::vector<bool> reached(n);
        order.clear();
        for (std::uint32_t state = 0; state < n; ++state) {
            if (quiet_[state]) {
                reached[state] = true;
                order.push_back(state);
            }
        }
        for (std::size_t i = 0; i < order.size(); ++i) {
            for (std::uint32_t e = begin[order[i]]; e < begin[order[i] + 1]; ++e) {
                if (!reached[from[e]]) {
                    reached[from[e]] = true;
                    order.push_back(from[e]);
                }
            }
        }
        for (std::uint32_t state = 0; state < n; ++state) {
            if (!reached[state]) {
                fault =
                    Fault{"completion: a request can no longer complete, though messages go round",
                          state, std::nullopt};
                return;
            }
        }
        if (kAlwaysEnds) {
            fault = Fault{"completion: messages can go round for ever", on_a_circle(left),
                          std::nullopt};
        }
    }

    // A state that messages lead back to. Of states that have messages `left` to take to others of
    // their like, each leads to one.
    std::uint32_t
    on_a_circle(const std::vector<std::uint32_t> &left) const
    {
        const auto goes_on = [&](std::uint32_t state) { return left[state] != 0; };
        std::uint32_t at = 0;
        while (!goes_on(at)) {
            ++at;
        }
        for (std::vector<bool> seen(left.size()); !seen[at];) {
            seen[at] = true;
            at = *std::find_if(&edges_[ends_[at - 1]], &edges_[0] + ends_[at], goes_on);
        }
        return at;
    }

  public:
    bool always_ends = false; // no cycle of messages: every order of taking them ends

  private:
    Machine &machine_;
    Limits limits_;
    Codec codec_;
    std::chrono::steady_clock::time_point start_;
    State initial_;
    Order initial_order_{};
    State successor_;
    std::vector<Step> stimuli_; // that may happen at all

    Visited visited_;
    std::vector<std::uint32_t> parents_;
    std::vector<Step> steps_;
    std::vector<Byte> level_;
    std::vector<Byte> next_level_;
    std::vector<std::uint32_t> edges_; // of steps that take messages
    std::vector<std::uint32_t> ends_;  // where a state's edges end
    std::vector<bool> quiet_;

    alignas(16) Byte saved_machine_[sizeof(Machine)];
    Travelling saved_messages_[kMaxMessages];
    unsigned saved_count_ = 0;
    Byte saved_memory_[kLines];
    bool saved_pending_[kNodes + 1][kLines];
};

} // namespace homeshift::engine

#endif // HOMESHIFT_CHECKER_SEARCH_HH
