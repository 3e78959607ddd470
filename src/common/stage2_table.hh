// SPDX-License-Identifier: BSD-3-Clause
//
// A VM's stage-2 table: guest page to physical frame, with a dirty log, and the note
// that a page is on its way to another frame.

#ifndef HOMESHIFT_COMMON_STAGE2_TABLE_HH
#define HOMESHIFT_COMMON_STAGE2_TABLE_HH

#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "common/access.hh"

namespace homeshift
{

class Stage2Table
{
  public:
    // frames: the physical address of each guest page, in guest order.
    explicit Stage2Table(std::vector<std::uint64_t> frames)
        : frames_(std::move(frames)), dirty_(frames_.size(), false), missing_(frames_.size(), false)
    {
        require_frames(frames_);
    }

    // Throw unless all are frames; unless all are pages of the VM.
    static void
    require_frames(const std::vector<std::uint64_t> &frames)
    {
        for (std::uint64_t frame : frames) {
            if (frame % kPageBytes != 0) {
                throw std::invalid_argument("a frame must be aligned to a page");
            }
        }
    }

    void
    require_pages(const std::vector<std::uint64_t> &pages) const
    {
        for (std::uint64_t page : pages) {
            if (page >= frames_.size()) {
                throw std::out_of_range("page " + std::to_string(page) + " of a VM that has " +
                                        std::to_string(frames_.size()));
            }
        }
    }

    std::uint64_t
    pages() const
    {
        return frames_.size();
    }

    std::uint64_t
    frame(std::uint64_t page) const
    {
        return frames_.at(page);
    }

    // Physical address of a guest address.
    std::uint64_t
    translate(std::uint64_t guest) const
    {
        return frames_[guest >> kPageShift] + (guest & (kPageBytes - 1));
    }

    // Let the host fetch what a translation will need. (GCC drops calls that do no more than that.)
    [[gnu::always_inline]] void
    prefetch(std::uint64_t guest) const
    {
        __builtin_prefetch(&frames_[guest >> kPageShift]);
    }

    // ---- dirty log ----

    void
    start_log()
    {
        logging_ = true;
        dirty_.assign(dirty_.size(), false);
    }

    void
    stop_log()
    {
        logging_ = false;
    }

    void
    mark_dirty(std::uint64_t guest)
    {
        if (logging_) {
            dirty_[guest >> kPageShift] = true;
        }
    }

    // The pages written since the log was started or last taken, in order.
    std::vector<std::uint64_t>
    take_log()
    {
        std::vector<std::uint64_t> pages;
        for (std::uint64_t page = 0; page < dirty_.size(); ++page) {
            if (dirty_[page]) {
                pages.push_back(page);
                dirty_[page] = false;
            }
        }
        return pages;
    }

    // ---- pages that no access may touch for now ----

    // A missing page is not where its frame is (yet, or any more): who touches it has to wait.
    bool
    missing(std::uint64_t page) const
    {
        return missing_[page];
    }

    // Returns whether it was not missing before.
    bool
    set_missing(std::uint64_t page)
    {
        const bool was_here = !missing_[page];
        missing_[page] = true;
        return was_here;
    }

    // The page is in this frame from now on. Returns whether it was missing.
    bool
    map(std::uint64_t page, std::uint64_t frame)
    {
        frames_[page] = frame;
        const bool was_missing = missing_[page];
        missing_[page] = false;
        return was_missing;
    }

  private:
    std::vector<std::uint64_t> frames_;
    std::vector<bool> dirty_;
    std::vector<bool> missing_;
    bool logging_ = false;
};

} // namespace homeshift

#endif // HOMESHIFT_COMMON_STAGE2_TABLE_HH
