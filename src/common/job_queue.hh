// SPDX-License-Identifier: BSD-3-Clause
//
// The work of a node's migration engine: jobs, each a list of blocks to copy line by line or of
// regions to transfer or to fence. Those for whom it works (VMs) are served in turn, the jobs of
// each in order, urgent copies before the others of theirs. A copy can be paced to a bandwidth.
//
// The queue decides what is next and notes what is under way; its user sends the commands.

#ifndef HOMESHIFT_COMMON_JOB_QUEUE_HH
#define HOMESHIFT_COMMON_JOB_QUEUE_HH

#include <algorithm>
#include <cstdint>
#include <deque>
#include <optional>
#include <stdexcept>
#include <unordered_map>
#include <utility>
#include <vector>

#include "common/access.hh"

namespace homeshift
{

using Job = std::uint32_t;

class JobQueue
{
  public:
    struct Block
    {
        std::uint64_t source = 0;
        std::uint64_t target = 0;
        std::uint64_t bytes = 0;
    };

    struct Pace
    {
        bool urgent = false;             // before the other copies of this owner
        std::uint64_t line_interval = 0; // ps from the start of a line to that of the next; 0: none
    };

    struct Line
    {
        std::uint64_t source = 0;
        std::uint64_t target = 0;
    };

    struct Move
    {
        std::uint64_t region = 0;
        std::optional<unsigned> new_home; // none: it stays, a node loses its right
        std::optional<unsigned> fenced;   // the node that loses its right, if any
    };

    // At most so many lines and regions are under way at once.
    JobQueue(std::size_t lines, std::size_t regions) : line_limit_(lines), region_limit_(regions)
    {}

    // A job's number is the caller's choice, one that was never used.
    void
    copy(Job job, unsigned owner, std::vector<Block> blocks, Pace pace)
    {
        Owner &his = this->owner(owner);
        if (!blocks.empty()) {
            Copy copy{job, std::move(blocks), pace.line_interval};
            left_[job] = copy.units();
            (pace.urgent ? his.urgent : his.copies).push_back(std::move(copy));
        }
    }

    void
    transfer(Job job, unsigned owner, std::vector<std::uint64_t> regions,
             std::optional<unsigned> new_home, std::optional<unsigned> fenced)
    {
        Owner &his = this->owner(owner);
        if (!regions.empty()) {
            left_[job] = regions.size();
            his.transfers.push_back({job, std::move(regions), new_home, fenced});
        }
    }

    // The regions of a job that are under way.
    std::vector<std::uint64_t>
    regions(Job job) const
    {
        std::vector<std::uint64_t> found;
        for (const UnderWay &region : regions_) {
            if (region.job == job) {
                found.push_back(region.address);
            }
        }
        return found;
    }

    // Forget what has not begun. The job is done when what is under way has ended.
    void
    cancel(Job job)
    {
        const auto left = left_.find(job);
        if (left == left_.end()) {
            return;
        }
        for (Owner &owner : owners_) {
            left->second -= forget(owner.urgent, job);
            left->second -= forget(owner.copies, job);
            left->second -= forget(owner.transfers, job);
        }
        if (left->second == 0) {
            left_.erase(left);
        }
    }

    // Lines or regions of a job that have not ended: none if it is done.
    std::uint64_t
    left(Job job) const
    {
        const auto left = left_.find(job);
        return left == left_.end() ? 0 : left->second;
    }

    bool
    idle() const
    {
        return left_.empty();
    }

    unsigned
    owners() const
    {
        return static_cast<unsigned>(owners_.size());
    }

    // When an owner's paced copies may go on, in ps; 0 if nothing has to wait for that time.
    std::uint64_t
    due(unsigned owner, std::uint64_t now) const
    {
        const Owner &his = owners_[owner];
        const std::deque<Copy> &copies = his.urgent.empty() ? his.copies : his.urgent;
        const bool paced = !copies.empty() && copies.front().line_interval != 0;
        return paced && his.due > now && lines_.size() < line_limit_ ? his.due : 0;
    }

    // Begin the next line that may begin at `now` (ps); false if there is none.
    bool
    begin_line(std::uint64_t now, Line &line)
    {
        return in_turn(line_turn_, [&](Owner &owner) {
            std::deque<Copy> &copies = owner.urgent.empty() ? owner.copies : owner.urgent;
            if (copies.empty() || lines_.size() >= line_limit_) {
                return false;
            }
            Copy &copy = copies.front();
            if (copy.line_interval != 0) {
                if (owner.due > now) {
                    return false;
                }
                // The lines to come make up for a late one, but not for more than an interval.
                owner.due = std::max(owner.due + copy.line_interval, now);
            }
            Block &block = copy.blocks[copy.next];
            line = {block.source, block.target};
            lines_.push_back({block.source, copy.job});
            block.source += kLineBytes;
            block.target += kLineBytes;
            block.bytes -= kLineBytes;
            copy.next += block.bytes == 0 ? 1 : 0;
            if (copy.next == copy.blocks.size()) {
                copies.pop_front();
            }
            return true;
        });
    }

    // Begin the next transfer; false if there is none.
    bool
    begin_transfer(Move &move)
    {
        return in_turn(region_turn_, [&](Owner &owner) {
            if (owner.transfers.empty() || regions_.size() >= region_limit_) {
                return false;
            }
            Transfer &transfer = owner.transfers.front();
            move = {transfer.regions[transfer.next++], transfer.new_home, transfer.fenced};
            regions_.push_back({move.region, transfer.job});
            if (transfer.next == transfer.regions.size()) {
                owner.transfers.pop_front();
            }
            return true;
        });
    }

    // The line from there, or the transfer of a region, has ended. Returns whether a job is done.
    bool
    end_line(std::uint64_t source)
    {
        return ended(lines_, source);
    }

    bool
    end_transfer(std::uint64_t region)
    {
        return ended(regions_, region);
    }

  private:
    // Jobs are kept whole, and not as an item for each page: there may be millions.
    struct Copy
    {
        Job job;
        std::vector<Block> blocks; // what is left of each
        std::uint64_t line_interval;
        std::size_t next = 0;

        std::uint64_t
        units() const
        {
            std::uint64_t lines = 0;
            for (std::size_t i = next; i < blocks.size(); ++i) {
                lines += blocks[i].bytes / kLineBytes;
            }
            return lines;
        }
    };

    struct Transfer
    {
        Job job;
        std::vector<std::uint64_t> regions;
        std::optional<unsigned> new_home;
        std::optional<unsigned> fenced;
        std::size_t next = 0;

        std::uint64_t
        units() const
        {
            return regions.size() - next;
        }
    };

    struct Owner
    {
        std::uint64_t due = 0; // ps: no paced line begins before
        std::deque<Copy> urgent;
        std::deque<Copy> copies;
        std::deque<Transfer> transfers;
    };

    struct UnderWay
    {
        std::uint64_t address;
        Job job;
    };

    Owner &
    owner(unsigned number)
    {
        if (owners_.size() <= number) {
            owners_.resize(number + 1);
        }
        return owners_[number];
    }

    // Drop a job's part of a list; returns how many lines or regions that were.
    template <typename T>
    static std::uint64_t
    forget(std::deque<T> &list, Job job)
    {
        std::uint64_t dropped = 0;
        const auto his = [&](const T &item) {
            dropped += item.job == job ? item.units() : 0;
            return item.job == job;
        };
        list.erase(std::remove_if(list.begin(), list.end(), his), list.end());
        return dropped;
    }

    // Let the first owner begin that can; the turn is then the next one's.
    template <typename Begin>
    bool
    in_turn(std::size_t &turn, Begin begin)
    {
        for (std::size_t passed = 0; passed < owners_.size(); ++passed) {
            Owner &owner = owners_[turn++ % owners_.size()];
            if (begin(owner)) {
                return true;
            }
        }
        return false;
    }

    bool
    ended(std::vector<UnderWay> &under_way, std::uint64_t address)
    {
        const auto one = std::find_if(under_way.begin(), under_way.end(),
                                      [address](const auto &u) { return u.address == address; });
        if (one == under_way.end()) {
            throw std::logic_error("the end of a copy or transfer that was not begun");
        }
        const auto left = left_.find(one->job);
        *one = under_way.back();
        under_way.pop_back();
        if (--left->second != 0) {
            return false;
        }
        left_.erase(left);
        return true;
    }

    std::size_t line_limit_;
    std::size_t region_limit_;
    std::size_t line_turn_ = 0;
    std::size_t region_turn_ = 0;
    std::vector<Owner> owners_;
    std::vector<UnderWay> lines_;
    std::vector<UnderWay> regions_;
    std::unordered_map<Job, std::uint64_t> left_; // lines or regions that have not ended
};

} // namespace homeshift

#endif // HOMESHIFT_COMMON_JOB_QUEUE_HH
