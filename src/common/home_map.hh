// SPDX-License-Identifier: BSD-3-Clause
//
// One node's belief about which node is the home of which region. Only requests
// consult it, and it may be stale: a former home sends a request on, and the
// answer corrects the belief.

#ifndef HOMESHIFT_COMMON_HOME_MAP_HH
#define HOMESHIFT_COMMON_HOME_MAP_HH

#include <cstdint>
#include <stdexcept>
#include <vector>

namespace homeshift
{

class HomeMap
{
  public:
    // region_bytes: a power of two; memory_bytes: of all nodes together. Every
    // region starts with the node that holds its memory (node_bytes each).
    HomeMap(std::uint64_t memory_bytes, std::uint64_t node_bytes, std::uint64_t region_bytes)
    {
        if (region_bytes == 0 || (region_bytes & (region_bytes - 1)) != 0 ||
            node_bytes % region_bytes != 0) {
            throw std::invalid_argument(
                "a region must be a power of two that divides a node's memory");
        }
        while ((std::uint64_t{1} << shift_) < region_bytes) {
            ++shift_;
        }
        homes_.resize(memory_bytes >> shift_);
        for (std::uint64_t region = 0; region < homes_.size(); ++region) {
            homes_[region] = static_cast<std::uint16_t>((region << shift_) / node_bytes);
        }
    }

    unsigned
    lookup(std::uint64_t address) const
    {
        return homes_[address >> shift_];
    }

    void
    set(std::uint64_t address, unsigned node)
    {
        homes_[address >> shift_] = static_cast<std::uint16_t>(node);
    }

    // Base address of the region that holds an address.
    std::uint64_t
    region(std::uint64_t address) const
    {
        return (address >> shift_) << shift_;
    }

    unsigned
    region_shift() const
    {
        return shift_;
    }

  private:
    unsigned shift_ = 0;
    std::vector<std::uint16_t> homes_;
};

} // namespace homeshift

#endif // HOMESHIFT_COMMON_HOME_MAP_HH
