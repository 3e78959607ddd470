// SPDX-License-Identifier: BSD-3-Clause
//
// A synthetic stream: one pattern over what a vCPU has in common with others, one over its own.

#ifndef HOMESHIFT_COMMON_MIXED_STREAM_HH
#define HOMESHIFT_COMMON_MIXED_STREAM_HH

#include <array>
#include <cstdint>

#include "common/access.hh"
#include "common/footprint.hh"
#include "common/random.hh"
#include "common/stream_spec.hh"

namespace homeshift
{

// Each access draws by chance which part it goes to, and whether it writes.
template <class Common, class Own>
class MixedStream final : public RequestStream
{
  public:
    struct Shares
    {
        double common;
        double common_writes;
        double own_writes;
    };

    MixedStream(const StreamSpec &spec, const Footprint &footprint, Shares shares, Common common,
                Own own)
        : random_(spec.seed, spec.vcpu),
          scatter_(spec.vm_bytes / kPageBytes),
          common_begin_(footprint.common.first_page * kPageBytes),
          own_begin_(footprint.own.first_page * kPageBytes),
          think_(spec.think),
          is_common_(shares.common),
          common_writes_(shares.common_writes),
          own_writes_(shares.own_writes),
          common_(common),
          own_(own)
    {}

  protected:
    void
    more() override
    {
        Random random = random_; // its state stays in registers
        std::uint64_t number = made_;
        for (Access &access : ahead_) {
            access = make(random, number++);
        }
        random_ = random;
        made_ = number;
        next_ = ahead_.data();
        end_ = next_ + ahead_.size();
    }

  private:
    [[gnu::always_inline]] Access
    make(Random &random, std::uint64_t number)
    {
        const bool common = random.happens(is_common_);
        const std::uint64_t offset = common ? common_begin_ + common_.next(random, number)
                                            : own_begin_ + own_.next(random, number);
        const bool write = random.happens(common ? common_writes_ : own_writes_);
        return {scatter_.address(offset), think_, write};
    }

    Random random_;
    Scatter scatter_;
    std::uint64_t common_begin_;
    std::uint64_t own_begin_;
    std::uint64_t made_ = 0;
    std::uint32_t think_;
    Chance is_common_;
    Chance common_writes_;
    Chance own_writes_;
    Common common_;
    Own own_;
    std::array<Access, 16> ahead_{};
};

} // namespace homeshift

#endif // HOMESHIFT_COMMON_MIXED_STREAM_HH
