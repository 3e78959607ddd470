// SPDX-License-Identifier: BSD-3-Clause
//
// The line records of a home agent: sparse, and walkable by region, so that the
// transfer of a region costs what is cached of it and not what is mapped. Also
// which regions the agent is home of: its own state, never derived from a table.

#ifndef HOMESHIFT_COMMON_LINE_DIRECTORY_HH
#define HOMESHIFT_COMMON_LINE_DIRECTORY_HH

#include <cstdint>
#include <stdexcept>
#include <vector>

#include "common/flat_map.hh"

namespace homeshift
{

// Record: the engine's entry type; the directory owns what it is given.
template <typename Record>
class LineDirectory
{
  public:
    LineDirectory(std::uint64_t memory_bytes, unsigned region_shift)
        : shift_(region_shift), home_(memory_bytes >> region_shift)
    {}

    LineDirectory(const LineDirectory &) = delete;
    LineDirectory &operator=(const LineDirectory &) = delete;

    ~LineDirectory()
    {
        for (std::uint32_t i = 0; i < nodes_.size(); ++i) {
            delete nodes_[i].record;
        }
    }

    Record *
    lookup(std::uint64_t line)
    {
        const Index *index = index_.find(line);
        return index ? index->record : nullptr;
    }

    Record *
    allocate(std::uint64_t line, Record *record)
    {
        Index &index = index_[line];
        if (index.node != kNone) {
            throw std::logic_error("the line already has a record");
        }
        std::uint32_t node = free_;
        if (node != kNone) {
            free_ = nodes_[node].next;
        } else {
            node = static_cast<std::uint32_t>(nodes_.size());
            nodes_.emplace_back();
        }
        index = {record, node};
        Region &region = regions_[line >> shift_];
        nodes_[node] = {record, line, kNone, kNone};
        append(region, node);
        return record;
    }

    void
    deallocate(std::uint64_t line)
    {
        const Index *found = index_.find(line);
        if (!found) {
            throw std::logic_error("the line has no record");
        }
        const std::uint32_t node = found->node;
        index_.erase(line);
        Region &region = *regions_.find(line >> shift_);
        unlink(region, node);
        if (region.count == 0 && region.aside == kNone) {
            regions_.erase(line >> shift_);
        }
        delete nodes_[node].record;
        release(node);
    }

    // ---- while the region's home moves: records of a departing region are set aside, and either
    // come back, if the transfer is cancelled, or are forgotten

    // Hide a record: it is found and walked no more.
    void
    setAside(std::uint64_t line)
    {
        const Index *found = index_.find(line);
        if (!found) {
            throw std::logic_error("the line has no record");
        }
        const std::uint32_t node = found->node;
        index_.erase(line);
        Region &region = *regions_.find(line >> shift_);
        unlink(region, node);
        nodes_[node].next = region.aside;
        region.aside = node;
    }

    // All records set aside are there again, in the order in which they were.
    void
    restore(std::uint64_t address)
    {
        Region *region = regions_.find(address >> shift_);
        while (region != nullptr && region->aside != kNone) {
            const std::uint32_t node = region->aside; // the youngest of them
            region->aside = nodes_[node].next;
            nodes_[node].next = region->head;
            (region->head == kNone ? region->tail : nodes_[region->head].previous) = node;
            region->head = node;
            ++region->count;
            index_[nodes_[node].line] = {nodes_[node].record, node};
        }
    }

    // Drop all records of a region, also those set aside.
    void
    forget(std::uint64_t address)
    {
        const Region *found = regions_.find(address >> shift_);
        if (found == nullptr) {
            return;
        }
        const Region region = *found;
        regions_.erase(address >> shift_);
        for (std::uint32_t node = region.head; node != kNone;) {
            const Node old = nodes_[node];
            index_.erase(old.line);
            delete old.record;
            release(node);
            node = old.next;
        }
        for (std::uint32_t node = region.aside; node != kNone;) {
            const Node old = nodes_[node];
            delete old.record;
            release(node);
            node = old.next;
        }
    }

    // The oldest record becomes the youngest: so a walk can keep the records that it has seen.
    void
    rotate(std::uint64_t address)
    {
        Region *region = regions_.find(address >> shift_);
        if (region == nullptr || region->head == region->tail) {
            return;
        }
        const std::uint32_t node = region->head;
        unlink(*region, node);
        append(*region, node);
    }

    bool
    isHome(std::uint64_t address) const
    {
        return home_[address >> shift_];
    }

    void
    setHome(std::uint64_t address, bool home)
    {
        home_[address >> shift_] = home;
    }

    // Records of the region that holds an address.
    int
    entries(std::uint64_t address)
    {
        return static_cast<int>(region_of(address).count);
    }

    // The oldest record's line; the region must have records.
    std::uint64_t
    firstEntry(std::uint64_t address)
    {
        const Region region = region_of(address);
        if (region.head == kNone) {
            throw std::logic_error("the region has no records");
        }
        return nodes_[region.head].line;
    }

    std::size_t
    size() const
    {
        return index_.size();
    }

    // Visits (line, record) in no particular order; not those set aside.
    template <typename Visit>
    void
    for_each(Visit visit)
    {
        for (std::uint32_t i = 0; i < nodes_.size(); ++i) {
            const Node &node = nodes_[i];
            const Index *index = node.record != nullptr ? index_.find(node.line) : nullptr;
            if (index != nullptr && index->node == i) {
                visit(node.line, node.record);
            }
        }
    }

  private:
    static constexpr std::uint32_t kNone = ~std::uint32_t{0};

    struct Node
    {
        Record *record = nullptr;
        std::uint64_t line = 0;
        std::uint32_t next = kNone; // in the region, or in the list of free nodes
        std::uint32_t previous = kNone;
    };

    struct Index
    {
        Record *record = nullptr; // the node's: a look-up does not touch the node
        std::uint32_t node = kNone;
    };

    struct Region
    {
        std::uint32_t head = kNone;
        std::uint32_t tail = kNone;
        std::uint32_t aside = kNone; // records set aside, the last one first; not counted
        std::uint32_t count = 0;
    };

    void
    append(Region &region, std::uint32_t node)
    {
        nodes_[node].next = kNone;
        nodes_[node].previous = region.tail;
        (region.tail == kNone ? region.head : nodes_[region.tail].next) = node;
        region.tail = node;
        ++region.count;
    }

    void
    unlink(Region &region, std::uint32_t node)
    {
        const Node old = nodes_[node];
        (old.previous == kNone ? region.head : nodes_[old.previous].next) = old.next;
        (old.next == kNone ? region.tail : nodes_[old.next].previous) = old.previous;
        nodes_[node].next = nodes_[node].previous = kNone;
        --region.count;
    }

    void
    release(std::uint32_t node)
    {
        nodes_[node] = {nullptr, 0, free_, kNone};
        free_ = node;
    }

    Region
    region_of(std::uint64_t address)
    {
        const Region *region = regions_.find(address >> shift_);
        return region ? *region : Region{};
    }

    unsigned shift_;
    std::vector<bool> home_;
    FlatMap<Index> index_;
    FlatMap<Region> regions_;
    std::vector<Node> nodes_;
    std::uint32_t free_ = kNone;
};

} // namespace homeshift

#endif // HOMESHIFT_COMMON_LINE_DIRECTORY_HH
