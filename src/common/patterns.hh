// SPDX-License-Identifier: BSD-3-Clause
//
// The patterns in which a vCPU walks over a part of its footprint. Each gives byte offsets into the
// part: next(random, access) where `access` counts the accesses of the vCPU from 0.

#ifndef HOMESHIFT_COMMON_PATTERNS_HH
#define HOMESHIFT_COMMON_PATTERNS_HH

#include <algorithm>
#include <cstdint>

#include "common/footprint.hh"
#include "common/random.hh"
#include "common/zipf.hh"

namespace homeshift
{

constexpr unsigned kLineBits = kPageShift - kLineShift; // that number the lines of a page

// Every line is equally likely.
class UniformPattern
{
  public:
    explicit UniformPattern(Part part) : lines_(part.lines())
    {}

    [[gnu::always_inline]] std::uint64_t
    next(Random &random, std::uint64_t)
    {
        return random.below(lines_) * kLineBytes;
    }

  private:
    std::uint64_t lines_;
};

// Zipf over pages, uniform over the lines of a page. Rank k is page k of the part; Scatter spreads
// the pages over the VM's memory, and all vCPUs agree on the hot pages of their common part.
class ZipfPattern
{
  public:
    ZipfPattern(Part part, double exponent) : zipf_(part.pages, exponent)
    {}

    [[gnu::always_inline]] std::uint64_t
    next(Random &random, std::uint64_t)
    {
        const std::uint64_t page = zipf_.rank(random) - 1;
        return page * kPageBytes + random.bits(kLineBits) * kLineBytes;
    }

  private:
    Zipf zipf_;
};

// A walk with a stride, over and over. A stride of several lines starts each lap one line further,
// so that every line has its turn.
class SequentialPattern
{
  public:
    SequentialPattern(Part part, std::uint64_t stride, std::uint64_t start)
        : bytes_(part.bytes()), stride_(stride), position_(start % bytes_)
    {}

    [[gnu::always_inline]] std::uint64_t
    next(Random &, std::uint64_t)
    {
        const std::uint64_t offset = position_;
        position_ += stride_;
        if (position_ >= bytes_) {
            lap_start_ = stride_ > kLineBytes ? (lap_start_ + kLineBytes) % stride_ % bytes_ : 0;
            position_ = lap_start_;
        }
        return offset;
    }

  private:
    std::uint64_t bytes_;
    std::uint64_t stride_;
    std::uint64_t position_;
    std::uint64_t lap_start_ = 0;
};

// One cycle through every line, without a table: a linear congruential generator modulo the next
// power of two, of full period (Hull and Dobell 1962: odd increment, multiplier 1 mod 4). Its low
// bits alone have short periods, so the high half is folded in; that is a permutation too. Numbers
// beyond the part are skipped, fewer than one in two.
//
// What this gets wrong: a stream cannot say that an access waits for the one before it. For the
// latency of a true chase give each core one outstanding miss.
class ChasePattern
{
  public:
    ChasePattern(Part part, std::uint64_t start) : lines_(part.lines())
    {
        while (std::uint64_t{1} << bits_ < lines_) {
            ++bits_;
        }
        state_ = start & mask();
    }

    [[gnu::always_inline]] std::uint64_t
    next(Random &, std::uint64_t)
    {
        while (true) {
            state_ = (state_ * 6364136223846793005U + 1442695040888963407U) & mask();
            const std::uint64_t line = state_ ^ (state_ >> (bits_ / 2));
            if (line < lines_) {
                return line * kLineBytes;
            }
        }
    }

  private:
    std::uint64_t
    mask() const
    {
        return (std::uint64_t{1} << bits_) - 1;
    }

    std::uint64_t lines_;
    unsigned bits_ = 2;
    std::uint64_t state_;
};

// A run of hot pages takes most accesses; each phase takes the next run.
class PhasedPattern
{
  public:
    PhasedPattern(Part part, std::uint64_t phase_accesses, double hot, double hot_ratio)
        : pages_(part.pages),
          hot_pages_(share_of(part.pages, hot)),
          phase_accesses_(phase_accesses),
          phase_end_(phase_accesses),
          hot_(hot_ratio)
    {}

    [[gnu::always_inline]] std::uint64_t
    next(Random &random, std::uint64_t access)
    {
        // A part that is rarely used may have slept through phases.
        while (access >= phase_end_) {
            phase_end_ += phase_accesses_;
            first_hot_ = (first_hot_ + hot_pages_) % pages_;
        }
        const bool hot = random.happens(hot_);
        std::uint64_t page = hot ? first_hot_ + random.below(hot_pages_) : random.below(pages_);
        page -= page >= pages_ ? pages_ : 0;
        return page * kPageBytes + random.bits(kLineBits) * kLineBytes;
    }

  private:
    std::uint64_t pages_;
    std::uint64_t hot_pages_;
    std::uint64_t phase_accesses_;
    std::uint64_t phase_end_;
    std::uint64_t first_hot_ = 0;
    Chance hot_;
};

} // namespace homeshift

#endif // HOMESHIFT_COMMON_PATTERNS_HH
