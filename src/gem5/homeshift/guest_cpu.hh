// SPDX-License-Identifier: BSD-3-Clause
//
// What a virtual machine asks of its vCPUs: those that replay request streams, and those that are
// gem5's own CPUs.

#ifndef HOMESHIFT_GEM5_GUEST_CPU_HH
#define HOMESHIFT_GEM5_GUEST_CPU_HH

#include <cstdint>

#include "base/types.hh"

namespace gem5
{

class GuestCpu
{
  public:
    virtual ~GuestCpu() = default;

    // Let it run on the core of a node.
    virtual void start(unsigned node) = 0;

    // No new accesses from now on; those under way still end.
    virtual void stop() = 0;

    // Whether all have ended.
    virtual bool paused() const = 0;

    // Issue only in the first `awake` of every `slice` cycles.
    virtual void throttle(uint64_t slice, uint64_t awake) = 0;

    // Pages have arrived.
    virtual void look_again() = 0;

    virtual bool waits_for_page() const = 0;

    // Whether an access to a guest page is under way.
    virtual bool uses(uint64_t page) const = 0;

    virtual uint64_t accesses() const = 0;
    virtual uint64_t latency() const = 0; // ticks, summed over accesses
    virtual uint64_t blocked() const = 0; // ticks in which it waited for a missing page

    virtual Tick cycle() const = 0; // ticks
};

} // namespace gem5

#endif // HOMESHIFT_GEM5_GUEST_CPU_HH
