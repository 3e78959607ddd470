// SPDX-License-Identifier: BSD-3-Clause
//
// Which node is the home of which region, as a node believes. Only requests consult
// it, and it may be stale: a former home sends a request on, and the answer corrects
// the belief.
//
// Nodes believe nearly the same, of millions of regions. So the beliefs lie in chunks, and equal
// chunks are shared: between the copies of a map until one of them learns something, and within it
// where a whole chunk has one home.

#ifndef HOMESHIFT_COMMON_HOME_MAP_HH
#define HOMESHIFT_COMMON_HOME_MAP_HH

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <utility>
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
        const std::uint64_t regions = memory_bytes >> shift_;
        const std::uint64_t node_regions = node_bytes >> shift_;
        chunks_.reserve((regions + kChunkRegions - 1) / kChunkRegions);
        for (std::uint64_t first = 0; first < regions; first += kChunkRegions) {
            const std::uint64_t last = first + kChunkRegions - 1;
            const bool one_home = first / node_regions == last / node_regions;
            if (one_home && first % node_regions >= kChunkRegions) {
                chunks_.push_back(chunks_.back()); // has the same home, and no other
                continue;
            }
            chunks_.push_back(std::make_shared<Chunk>());
            for (std::uint64_t i = 0; i < kChunkRegions; ++i) {
                (*chunks_.back())[i] = static_cast<std::uint16_t>((first + i) / node_regions);
            }
        }
    }

    unsigned
    lookup(std::uint64_t address) const
    {
        const std::uint64_t region = address >> shift_;
        return (*chunks_[region / kChunkRegions])[region % kChunkRegions];
    }

    void
    set(std::uint64_t address, unsigned node)
    {
        if (lookup(address) == node) {
            return; // most answers confirm what is known, and leave the chunk shared
        }
        const std::uint64_t region = address >> shift_;
        std::shared_ptr<Chunk> &chunk = chunks_[region / kChunkRegions];
        if (chunk.use_count() > 1) {
            chunk = std::make_shared<Chunk>(*chunk);
        }
        (*chunk)[region % kChunkRegions] = static_cast<std::uint16_t>(node);
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
    static constexpr std::uint64_t kChunkRegions = 4096;
    using Chunk = std::array<std::uint16_t, kChunkRegions>;

    unsigned shift_ = 0;
    std::vector<std::shared_ptr<Chunk>> chunks_;
};

// A node's map, as the machines of the node share it: what one of them learns, it knows at once,
// and the others from the next cycle on. So it does not matter which of them comes first within a
// cycle, and of what several learn of one region in a cycle, the one with the highest number is
// right.
class SharedHomeMap
{
  public:
    explicit SharedHomeMap(HomeMap map) : map_(std::move(map))
    {}

    // As a machine of the node sees it.
    unsigned
    lookup(std::uint64_t machine, std::uint64_t address, std::uint64_t now) const
    {
        const std::uint64_t region = map_.region(address);
        for (auto last = learned_.rbegin(); last != learned_.rend(); ++last) {
            if (last->region == region && (last->machine == machine || now != learned_at_)) {
                return last->home;
            }
        }
        return map_.lookup(address);
    }

    void
    learn(std::uint64_t machine, std::uint64_t address, unsigned home, std::uint64_t now)
    {
        if (now != learned_at_) {
            note();
            learned_at_ = now;
        }
        const auto after = std::find_if(learned_.begin(), learned_.end(),
                                        [&](const Learned &l) { return l.machine > machine; });
        learned_.insert(after, {machine, map_.region(address), home});
    }

    // All machines know it at once.
    void
    place(std::uint64_t address, unsigned home)
    {
        note();
        map_.set(address, home);
    }

    void
    place_all(const HomeMap &map)
    {
        learned_.clear();
        map_ = map;
    }

    std::uint64_t
    region(std::uint64_t address) const
    {
        return map_.region(address);
    }

  private:
    struct Learned
    {
        std::uint64_t machine;
        std::uint64_t region;
        unsigned home;
    };

    void
    note()
    {
        for (const Learned &learned : learned_) {
            map_.set(learned.region, learned.home);
        }
        learned_.clear();
    }

    HomeMap map_;
    std::uint64_t learned_at_ = 0;
    std::vector<Learned> learned_; // in that cycle, by machine; not in the map yet
};

} // namespace homeshift

#endif // HOMESHIFT_COMMON_HOME_MAP_HH
