// SPDX-License-Identifier: BSD-3-Clause
//
// Zipf-distributed ranks by rejection-inversion, without a table: W. Hörmann and G. Derflinger,
// "Rejection-inversion to generate variates from monotone discrete distributions", ACM TOMACS 6(3),
// 1996, pages 169-184. Names follow the paper: h(x) = x^-exponent, H its integral.

#ifndef HOMESHIFT_COMMON_ZIPF_HH
#define HOMESHIFT_COMMON_ZIPF_HH

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "common/random.hh"

namespace homeshift
{

class Zipf
{
  public:
    // Ranks 1..count, rank k with a probability proportional to k^-exponent, exponent > 0.
    Zipf(std::uint64_t count, double exponent)
        : count_(static_cast<double>(count)),
          exponent_(exponent),
          power_(1.0 - exponent),
          upper_(H(count_ + 0.5)),
          span_(H(1.5) - 1.0 - upper_),
          squeeze_(2.0 - H_inverse(H(2.5) - h(2.0)))
    {}

    std::uint64_t
    rank(Random &random) const
    {
        while (true) {
            const double u = upper_ + random.unit() * span_;
            const double x = H_inverse(u);
            const double k = std::clamp(std::floor(x + 0.5), 1.0, count_);
            // The squeeze accepts nearly always; only the rest evaluates H again.
            if (k - x <= squeeze_ || u >= H(k + 0.5) - h(k)) {
                return static_cast<std::uint64_t>(k);
            }
        }
    }

  private:
    double
    h(double x) const
    {
        return std::exp(-exponent_ * std::log(x));
    }

    // expm1 and log1p keep their digits near exponent 1; only 1 itself needs its limit.
    double
    H(double x) const
    {
        const double log_x = std::log(x);
        return power_ == 0.0 ? log_x : std::expm1(power_ * log_x) / power_;
    }

    double
    H_inverse(double y) const
    {
        if (power_ == 0.0) {
            return std::exp(y);
        }
        // Rounding can push the argument below -1, where there is no logarithm.
        return std::exp(std::log1p(std::max(-1.0, power_ * y)) / power_);
    }

    double count_;
    double exponent_;
    double power_;
    double upper_;
    double span_;
    double squeeze_;
};

} // namespace homeshift

#endif // HOMESHIFT_COMMON_ZIPF_HH
