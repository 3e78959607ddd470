// SPDX-License-Identifier: BSD-3-Clause
//
// One data access of a vCPU, to a part of one line, and where a vCPU gets its accesses from.

#ifndef HOMESHIFT_COMMON_ACCESS_HH
#define HOMESHIFT_COMMON_ACCESS_HH

#include <cstdint>

namespace homeshift
{

constexpr unsigned kLineShift = 6;
constexpr std::uint64_t kLineBytes = std::uint64_t{1} << kLineShift;
constexpr unsigned kPageShift = 12;
constexpr std::uint64_t kPageBytes = std::uint64_t{1} << kPageShift;

struct Access
{
    std::uint64_t address;    // guest-physical, in bytes
    std::uint32_t gap_cycles; // computing time, from the cycle after the access before
    bool write;
};

// An endless sequence of accesses, made some at a time.
class RequestStream
{
  public:
    RequestStream() = default;
    RequestStream(const RequestStream &) = delete;
    RequestStream &operator=(const RequestStream &) = delete;
    virtual ~RequestStream() = default;

    // Valid until it is asked again.
    const Access &
    next()
    {
        if (next_ == end_) {
            more();
        }
        return *next_++;
    }

    // Whether the one that follows is made already; which it is, then.
    bool
    has_following() const
    {
        return next_ != end_;
    }

    const Access &
    following() const
    {
        return *next_;
    }

  protected:
    // Let next_ and end_ bound what comes next, at least one access.
    virtual void more() = 0;

    const Access *next_ = nullptr;
    const Access *end_ = nullptr;
};

} // namespace homeshift

#endif // HOMESHIFT_COMMON_ACCESS_HH
