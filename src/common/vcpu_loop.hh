// SPDX-License-Identifier: BSD-3-Clause
//
// What a vCPU does, in both engines. A closed loop: up to so many accesses under way,
// issued in order, one a cycle at most, each its gap after the one before. An access to a
// line that is under way joins what is under way: the core is not asked again, and one
// answer is that of all, but for a store and what comes after it if a load was answered:
// then the store is issued, and the others wait for its answer. An access to a page that
// is missing waits, and all behind it.
//
// An engine's vCPU derives from VcpuLoop<its own class>, and lets it use
//
//     std::uint64_t now() const;                       the current cycle
//     bool can_issue() const;                          whether its core takes an access now
//     void issue(std::uint64_t address, bool write);   to a physical address
//     void wake_at(std::uint64_t cycle);               issue_some() then; the earliest counts
//     auto &memory();                                  see guest_memory.hh
//     void missing_page(std::uint64_t page);           an access waits for it from now on
//     void blocked_for(std::uint64_t cycles);          it does not any more
//
// and calls take(), then issue_some(), when there is an answer.

#ifndef HOMESHIFT_COMMON_VCPU_LOOP_HH
#define HOMESHIFT_COMMON_VCPU_LOOP_HH

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "common/access.hh"
#include "common/line_table.hh"
#include "common/stage2_table.hh"

namespace homeshift
{

// Leave to issue only in the first `awake` of every `slice` cycles; awake = slice: always.
struct Throttle
{
    std::uint64_t slice = 1;
    std::uint64_t awake = 1;

    // The first cycle from `now` on with such leave.
    std::uint64_t
    awake_from(std::uint64_t now) const
    {
        if (awake == slice) {
            return now; // without the division below, which every access would pay for
        }
        const std::uint64_t into_slice = now % slice;
        return into_slice < awake ? now : now - into_slice + slice;
    }
};

template <typename Vcpu>
class VcpuLoop
{
  public:
    // No new accesses from now on; those under way still end. Nor does it wait for a page.
    void
    stop()
    {
        running_ = false;
        end_wait();
    }

    void
    throttle(std::uint64_t slice, std::uint64_t awake)
    {
        throttle_ = {slice, awake};
        issue_some();
    }

    // Pages have arrived.
    void
    look_again()
    {
        if (waits_for_page_ && !self().memory().missing(page_of(next_->address))) {
            end_wait();
            issue_some();
        }
    }

    bool
    runs() const
    {
        return running_;
    }

    bool
    drained() const
    {
        return under_way_.size() == 0;
    }

    bool
    waits_for_page() const
    {
        return waits_for_page_;
    }

    // Whether an access to a guest page is under way.
    bool
    uses(std::uint64_t page) const
    {
        return under_way_.any_of(
            [page](const UnderWay &u) { return page_of(u.first.guest) == page; });
    }

  protected:
    struct Issued
    {
        std::uint64_t guest; // address
        std::uint64_t issued;
        bool write;
    };

    // Accesses to one line that are done.
    struct Done
    {
        std::uint64_t guest; // address of the first
        std::uint64_t accesses;
        std::uint64_t latency; // cycles, summed over all of them
    };

    VcpuLoop(std::unique_ptr<RequestStream> stream, std::size_t max_under_way)
        : stream_(std::move(stream)), max_under_way_(max_under_way)
    {}

    ~VcpuLoop() = default;

    void
    go()
    {
        running_ = true;
        issue_some();
    }

    void
    issue_some()
    {
        while (running_ && under_way_.size() + joined_ < max_under_way_ && self().can_issue()) {
            const std::uint64_t now = self().now();
            if (next_ == nullptr) {
                next_ = &stream_->next();
                if (stream_->has_following()) {
                    self().memory().table.prefetch(stream_->following().address);
                }
                ready_at_ = std::max(ready_at_, now) + next_->gap_cycles;
            }
            if (ready_at_ > now) {
                self().wake_at(ready_at_);
                return;
            }
            if (asleep(now) || waits()) {
                return;
            }
            const std::uint64_t address = self().memory().table.translate(next_->address);
            const Access &access = *std::exchange(next_, nullptr);
            ready_at_ = now + 1; // one issue a cycle
            if (UnderWay *const place = under_way_.add(line_of(address))) {
                place->first = {access.address, now, access.write};
                self().issue(address, access.write);
            } else {
                join(line_of(address), access);
            }
        }
    }

    // There is an answer about a line. each(access) is called for all that it answers, in the order
    // in which they were issued.
    template <typename Each>
    Done
    take(std::uint64_t line, Each each)
    {
        UnderWay &here = under_way_.remove(line);
        Done done{here.first.guest, 1, self().now() - here.first.issued};
        each(here.first);
        if (!here.joined.empty()) {
            return take_joined(line, here, done, each);
        }
        return done;
    }

  private:
    struct UnderWay
    {
        Issued first;
        std::vector<Issued> joined; // empty when all are done
    };

    static std::uint64_t
    page_of(std::uint64_t address)
    {
        return address >> kPageShift;
    }

    static std::uint64_t
    line_of(std::uint64_t address)
    {
        return address & ~(kLineBytes - 1);
    }

    Vcpu &
    self()
    {
        return static_cast<Vcpu &>(*this);
    }

    // Apart, as take_joined() is, so that what joins nothing does not pay for it.
    [[gnu::noinline]] void
    join(std::uint64_t line, const Access &access)
    {
        under_way_.find(line)->joined.push_back({access.address, self().now(), access.write});
        ++joined_;
    }

    // A load's answer brings no right to write. One that was issued in this very cycle has joined
    // only because others of the cycle came first: it is issued now, as it would be if the answer
    // had been the first.
    template <typename Each>
    [[gnu::noinline]] Done
    take_joined(std::uint64_t line, UnderWay &here, Done done, Each each)
    {
        const std::uint64_t now = self().now();
        const bool may_write = here.first.write;
        auto rest = here.joined.begin();
        for (; rest != here.joined.end() && rest->issued != now && (may_write || !rest->write);
             ++rest) {
            ++done.accesses;
            done.latency += now - rest->issued;
            each(*rest);
        }
        joined_ -= rest - here.joined.begin();
        here.joined.erase(here.joined.begin(), rest);
        if (!here.joined.empty()) {
            issue_first(line, here.joined);
        }
        return done;
    }

    // All of them are to the line.
    void
    issue_first(std::uint64_t line, std::vector<Issued> &left)
    {
        UnderWay &here = *under_way_.add(line);
        here.joined.swap(left); // with nothing, or with itself
        here.first = here.joined.front();
        here.joined.erase(here.joined.begin());
        --joined_;
        self().issue(line, here.first.write);
    }

    bool
    asleep(std::uint64_t now)
    {
        const std::uint64_t at = throttle_.awake_from(now);
        if (at == now) {
            return false;
        }
        self().wake_at(at);
        return true;
    }

    bool
    waits()
    {
        if (!self().memory().missing(page_of(next_->address))) {
            return false;
        }
        if (!waits_for_page_) {
            waits_for_page_ = true;
            blocked_since_ = self().now();
            self().missing_page(page_of(next_->address));
        }
        return true;
    }

    void
    end_wait()
    {
        if (std::exchange(waits_for_page_, false)) {
            self().blocked_for(self().now() - blocked_since_);
        }
    }

    std::unique_ptr<RequestStream> stream_;
    bool running_ = false;
    bool waits_for_page_ = false;
    const Access *next_ = nullptr; // the stream's, not issued yet
    std::uint64_t blocked_since_ = 0;
    std::uint64_t ready_at_ = 0;
    Throttle throttle_;
    std::size_t max_under_way_;
    LineTable<UnderWay> under_way_;
    std::size_t joined_ = 0; // accesses, to all lines
};

// Whether no access to any of these pages is under way.
template <typename Vcpus>
bool
none_uses(const Vcpus &vcpus, const std::vector<std::uint64_t> &pages)
{
    return std::none_of(pages.begin(), pages.end(), [&](std::uint64_t page) {
        return std::any_of(vcpus.begin(), vcpus.end(),
                           [page](const auto &vcpu) { return vcpu->uses(page); });
    });
}

} // namespace homeshift

#endif // HOMESHIFT_COMMON_VCPU_LOOP_HH
