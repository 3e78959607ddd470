// SPDX-License-Identifier: BSD-3-Clause
//
// One data access of a vCPU, and where a vCPU gets its accesses from.

#ifndef HOMESHIFT_COMMON_ACCESS_HH
#define HOMESHIFT_COMMON_ACCESS_HH

#include <cstdint>

namespace homeshift
{

struct Access
{
    std::uint64_t address;    // guest-physical, in bytes
    std::uint32_t gap_cycles; // computing time before the access
    bool write;
};

// An endless sequence of accesses.
class RequestStream
{
  public:
    virtual ~RequestStream() = default;
    virtual Access next() = 0;
};

} // namespace homeshift

#endif
