// SPDX-License-Identifier: BSD-3-Clause
//
// A VM's stage-2 table: guest page to physical frame, with a dirty log and, while
// a migration copies pages, the frames where they will be found after it.

#ifndef HOMESHIFT_COMMON_STAGE2_TABLE_HH
#define HOMESHIFT_COMMON_STAGE2_TABLE_HH

#include <cstdint>
#include <stdexcept>
#include <utility>
#include <vector>

namespace homeshift
{

class Stage2Table
{
  public:
    static constexpr unsigned kPageShift = 12;
    static constexpr std::uint64_t kPageBytes = std::uint64_t{1} << kPageShift;
    static constexpr std::uint64_t kNoFrame = ~std::uint64_t{0};

    // frames: the physical address of each guest page, in guest order.
    explicit Stage2Table(std::vector<std::uint64_t> frames)
        : frames_(std::move(frames)),
          shadow_(frames_.size(), kNoFrame),
          dirty_(frames_.size(), false)
    {
        for (std::uint64_t frame : frames_) {
            if (frame % kPageBytes != 0) {
                throw std::invalid_argument("a frame must be aligned to a page");
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

    // ---- frames to be used from the commit on ----

    std::uint64_t
    shadow(std::uint64_t page) const
    {
        return shadow_[page];
    }

    void
    set_shadow(std::uint64_t page, std::uint64_t frame)
    {
        shadow_.at(page) = frame;
    }

    // Use the shadow frames from now on; returns the frames that are free now.
    std::vector<std::uint64_t>
    commit()
    {
        std::vector<std::uint64_t> freed;
        for (std::uint64_t page = 0; page < frames_.size(); ++page) {
            if (shadow_[page] != kNoFrame) {
                freed.push_back(
                    std::exchange(frames_[page], std::exchange(shadow_[page], kNoFrame)));
            }
        }
        return freed;
    }

  private:
    std::vector<std::uint64_t> frames_;
    std::vector<std::uint64_t> shadow_;
    std::vector<bool> dirty_;
    bool logging_ = false;
};

} // namespace homeshift

#endif // HOMESHIFT_COMMON_STAGE2_TABLE_HH
