// SPDX-License-Identifier: BSD-3-Clause
//
// What is known of a VM's memory, in both engines: where its pages are, which of them
// are missing, who waits for them, samples of what is accessed, and the last value of
// each line, to hold loads against.

#ifndef HOMESHIFT_COMMON_GUEST_MEMORY_HH
#define HOMESHIFT_COMMON_GUEST_MEMORY_HH

#include <algorithm>
#include <cstdint>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "common/access.hh"
#include "common/flat_map.hh"
#include "common/stage2_table.hh"

namespace homeshift
{

class GuestMemory
{
  public:
    using Pages = std::vector<std::uint64_t>;

    // check: keep the last value of each line.
    GuestMemory(Stage2Table table, bool check) : table(std::move(table)), check_(check)
    {}

    Stage2Table table;

    // ---- pages that no access may touch for now ----

    void
    await(const Pages &pages)
    {
        table.require_pages(pages);
        for (std::uint64_t page : pages) {
            missing_ += table.set_missing(page) ? 1 : 0;
        }
    }

    // The pages are in these frames from now on.
    void
    map(const Pages &pages, const Pages &frames)
    {
        if (pages.size() != frames.size()) {
            throw std::invalid_argument("as many pages as frames are needed");
        }
        table.require_pages(pages);
        Stage2Table::require_frames(frames);
        for (std::size_t i = 0; i < pages.size(); ++i) {
            missing_ -= table.map(pages[i], frames[i]) ? 1 : 0;
        }
    }

    bool
    misses_pages() const
    {
        return missing_ != 0;
    }

    bool
    missing(std::uint64_t page) const
    {
        return missing_ != 0 && table.missing(page);
    }

    void
    fault(std::uint64_t page, std::uint64_t cycle)
    {
        faults_.emplace_back(cycle, page);
    }

    // The missing pages that were touched since this was last asked, in order; those of one cycle
    // by number, since it is the engine's own affair which vCPU comes first there.
    Pages
    take_faults()
    {
        std::sort(faults_.begin(), faults_.end());
        Pages pages;
        for (const auto &[cycle, page] : std::exchange(faults_, {})) {
            pages.push_back(page);
        }
        return pages;
    }

    // ---- how long every vCPU waits for a missing page, in cycles ----

    template <typename Vcpus>
    void
    count_blocked(const Vcpus &vcpus, std::uint64_t now)
    {
        const bool all = std::all_of(vcpus.begin(), vcpus.end(),
                                     [](const auto &vcpu) { return vcpu->waits_for_page(); });
        if (all && !all_blocked_) {
            all_blocked_since_ = now;
        } else if (!all && all_blocked_) {
            all_blocked_cycles_ += now - all_blocked_since_;
        }
        all_blocked_ = all;
    }

    std::uint64_t
    all_blocked(std::uint64_t now) const
    {
        return all_blocked_cycles_ + (all_blocked_ ? now - all_blocked_since_ : 0);
    }

    void
    reset_blocked()
    {
        all_blocked_cycles_ = 0;
    }

    // ---- samples of accesses ----

    // Note the page of every `every`-th access that needs another node; 0: none.
    void
    sample(std::uint64_t every)
    {
        every_ = every;
        seen_ = 0;
        remote_.clear();
        samples_.clear();
    }

    bool
    samples() const
    {
        return every_ != 0;
    }

    void
    count_access(std::uint64_t guest, bool remote, std::uint64_t cycle)
    {
        if (every_ != 0 && remote) {
            if (cycle != remote_cycle_) {
                count_remote();
                remote_cycle_ = cycle;
            }
            remote_.push_back(guest >> kPageShift);
        }
    }

    Pages
    take_samples()
    {
        count_remote();
        return std::exchange(samples_, {});
    }

    // ---- values: each store has a number of its own, a token ----

    void
    stored(std::uint64_t guest, std::uint64_t token)
    {
        table.mark_dirty(guest);
        if (check_) {
            latest_.set(guest >> kLineShift, token);
        }
    }

    // Whether a load may return this: the last store of its line; 0 if there was none.
    bool
    is_last(std::uint64_t guest, std::uint64_t token)
    {
        return !check_ || token == last(guest);
    }

    std::string
    not_the_last(std::uint64_t guest, std::uint64_t token)
    {
        std::ostringstream text;
        text << "a load of guest address 0x" << std::hex << guest << std::dec << " returned store "
             << token << " of the VM, but the last one to this line was store " << last(guest)
             << " (0: none)";
        return text.str();
    }

  private:
    // Those of one cycle by the number of their page, for the reason given at take_faults().
    void
    count_remote()
    {
        std::sort(remote_.begin(), remote_.end());
        for (std::uint64_t page : remote_) {
            if (++seen_ == every_) {
                seen_ = 0;
                samples_.push_back(page);
            }
        }
        remote_.clear();
    }

    std::uint64_t
    last(std::uint64_t guest)
    {
        const std::uint64_t *const stored = latest_.find(guest >> kLineShift);
        return stored != nullptr ? *stored : 0;
    }

    bool check_;
    FlatMap<std::uint64_t> latest_; // by guest line
    std::uint64_t missing_ = 0;
    std::vector<std::pair<std::uint64_t, std::uint64_t>> faults_; // cycle and page of each
    bool all_blocked_ = false;
    std::uint64_t all_blocked_since_ = 0;
    std::uint64_t all_blocked_cycles_ = 0;
    std::uint64_t every_ = 0;
    std::uint64_t seen_ = 0;
    std::uint64_t remote_cycle_ = 0;
    Pages remote_; // accesses of that cycle, not counted yet
    Pages samples_;
};

} // namespace homeshift

#endif // HOMESHIFT_COMMON_GUEST_MEMORY_HH
