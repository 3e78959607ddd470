// SPDX-License-Identifier: BSD-3-Clause
//
// Small deterministic random numbers. The standard library's distributions differ from one
// implementation to the next, so that a seed would not name one run; these do not.

#ifndef HOMESHIFT_COMMON_RANDOM_HH
#define HOMESHIFT_COMMON_RANDOM_HH

#include <cstdint>

namespace homeshift
{

// The upper 64 bits of a product of 128.
inline std::uint64_t
multiply_high(std::uint64_t a, std::uint64_t b)
{
    __extension__ using Product = unsigned __int128;
    return static_cast<std::uint64_t>((static_cast<Product>(a) * b) >> 64);
}

// A yes with a fixed probability, kept as a number of 53 bits to compare with.
class Chance
{
  public:
    explicit Chance(double probability)
        : threshold_(static_cast<std::uint64_t>(probability * 9007199254740992.0))
    {}

  private:
    friend class Random;
    std::uint64_t threshold_;
};

// xoshiro256** (Blackman and Vigna, "Scrambled linear pseudorandom number generators", ACM TOMS
// 2021), seeded by splitmix64. Each (seed, stream) has a sequence of its own.
class Random
{
  public:
    explicit Random(std::uint64_t seed, std::uint64_t stream = 0)
    {
        std::uint64_t state = splitmix(seed) + stream;
        for (std::uint64_t &word : state_) {
            word = splitmix(state);
        }
    }

    [[gnu::always_inline]] std::uint64_t
    next()
    {
        const std::uint64_t result = rotate(state_[1] * 5, 7) * 9;
        const std::uint64_t shifted = state_[1] << 17;
        state_[2] ^= state_[0];
        state_[3] ^= state_[1];
        state_[1] ^= state_[2];
        state_[0] ^= state_[3];
        state_[2] ^= shifted;
        state_[3] = rotate(state_[3], 45);
        return result;
    }

    // Uniform in [0, bound). The bias is below bound / 2^64.
    [[gnu::always_inline]] std::uint64_t
    below(std::uint64_t bound)
    {
        return multiply_high(next(), bound);
    }

    // Uniform in [0, 2^count): the same as below(2^count).
    [[gnu::always_inline]] std::uint64_t
    bits(unsigned count)
    {
        return next() >> (64 - count);
    }

    // Uniform in [0, 1).
    double
    unit()
    {
        return static_cast<double>(next() >> 11) * 0x1p-53;
    }

    [[gnu::always_inline]] bool
    happens(Chance chance)
    {
        return (next() >> 11) < chance.threshold_;
    }

  private:
    static std::uint64_t
    rotate(std::uint64_t word, int by)
    {
        return (word << by) | (word >> (64 - by));
    }

    // Advances `state` and returns its mix, as in Vigna's splitmix64.c.
    static std::uint64_t
    splitmix(std::uint64_t &state)
    {
        state += 0x9e3779b97f4a7c15U;
        std::uint64_t mixed = state;
        mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9U;
        mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebU;
        return mixed ^ (mixed >> 31);
    }

    std::uint64_t state_[4];
};

} // namespace homeshift

#endif // HOMESHIFT_COMMON_RANDOM_HH
