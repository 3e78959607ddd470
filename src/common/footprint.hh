// SPDX-License-Identifier: BSD-3-Clause
//
// Which guest pages a stream touches.
//
// The footprint is numbered densely: first the pages that vCPUs have in common, then each vCPU's
// own. Scatter sends these numbers to guest pages, evenly spread: whatever part of the VM's memory
// is borrowed from another node, by blocks or by stripes, each vCPU touches its fair share of it,
// and so do the hot pages of a skewed stream.
//
// What this gets wrong: neighbouring pages of a stream are never neighbours in guest memory, as in
// a long-running system without huge pages. Regions above 4 KiB therefore see no spatial locality.

#ifndef HOMESHIFT_COMMON_FOOTPRINT_HH
#define HOMESHIFT_COMMON_FOOTPRINT_HH

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <stdexcept>

#include "common/access.hh"
#include "common/random.hh"
#include "common/stream_spec.hh"

namespace homeshift
{

// A permutation of the VM's pages: number times a stride near vm_pages / golden ratio, modulo
// vm_pages. Multiples of the golden ratio cut a circle evenly at every count (three-gap theorem),
// and a stride coprime to vm_pages makes it a permutation.
class Scatter
{
  public:
    static constexpr std::uint64_t kMostPages = ~std::uint32_t{0};

    // vm_pages: from 1 on.
    explicit Scatter(std::uint64_t vm_pages) : pages_(vm_pages)
    {
        stride_ = std::max<std::uint64_t>(
            1, static_cast<std::uint64_t>(static_cast<double>(vm_pages) * 0.6180339887498949));
        while (std::gcd(stride_, pages_) != 1) {
            ++stride_;
        }
        inverse_ = ~std::uint64_t{0} / pages_;
    }

    std::uint64_t
    page(std::uint64_t number) const
    {
        const std::uint64_t product = number * stride_;
        // The estimate of the quotient is right or one too low, since inverse_ > 2^64 / pages_ - 1.
        const std::uint64_t rest = product - multiply_high(product, inverse_) * pages_;
        return rest >= pages_ ? rest - pages_ : rest;
    }

    // The guest address of a byte of the footprint.
    [[gnu::always_inline]] std::uint64_t
    address(std::uint64_t number) const
    {
        return page(number / kPageBytes) * kPageBytes + number % kPageBytes;
    }

  private:
    std::uint64_t pages_;
    std::uint64_t stride_;
    std::uint64_t inverse_;
};

// A share of some pages: whole ones, one at least. (0.29 of 100 are 29, though the product of the
// two numbers as the host keeps them is a little less.)
inline std::uint64_t
share_of(std::uint64_t pages, double share)
{
    const double exact = static_cast<double>(pages) * share;
    return std::max<std::uint64_t>(1, static_cast<std::uint64_t>(exact + 1e-6));
}

// A run of footprint pages.
struct Part
{
    std::uint64_t first_page = 0;
    std::uint64_t pages = 0;

    std::uint64_t
    bytes() const
    {
        return pages * kPageBytes;
    }
    std::uint64_t
    lines() const
    {
        return bytes() / kLineBytes;
    }
};

// One vCPU's view of the footprint: what it has in common with others, and what is its own.
struct Footprint
{
    Part common;
    Part own;

    // A share of the footprint is common to all vCPUs, at least a page unless the share is 0.
    static Footprint
    shared_by_all(const StreamSpec &spec)
    {
        const std::uint64_t pages = touched_pages(spec);
        const std::uint64_t common = spec.shared > 0 ? share_of(pages, spec.shared) : 0;
        return split(spec, pages, common, Part{0, common}, spec.shared < 1);
    }

    // A ring buffer is common to each pair of vCPUs.
    static Footprint
    shared_by_pairs(const StreamSpec &spec)
    {
        const std::uint64_t ring_pages = (spec.ring + kPageBytes - 1) / kPageBytes;
        const std::uint64_t common = ring_pages * (spec.vcpus / 2);
        return split(spec, touched_pages(spec), common,
                     Part{spec.vcpu / 2 * ring_pages, ring_pages}, true);
    }

  private:
    static std::uint64_t
    touched_pages(const StreamSpec &spec)
    {
        return share_of(spec.vm_bytes / kPageBytes, spec.footprint);
    }

    static Footprint
    split(const StreamSpec &spec, std::uint64_t pages, std::uint64_t common_pages, Part common,
          bool needs_own)
    {
        if (common_pages > pages) {
            throw std::invalid_argument("the footprint is smaller than its common part");
        }
        const std::uint64_t own_pages = (pages - common_pages) / spec.vcpus;
        if (needs_own && own_pages == 0) {
            throw std::invalid_argument("the footprint has no page for each vCPU");
        }
        return {common, Part{common_pages + spec.vcpu * own_pages, own_pages}};
    }
};

} // namespace homeshift

#endif // HOMESHIFT_COMMON_FOOTPRINT_HH
