// SPDX-License-Identifier: BSD-3-Clause
//
// The line records of a home agent: sparse, and walkable by region, so that the
// transfer of a region costs what is cached of it and not what is mapped. Also
// which regions the agent is home of: its own state, never derived from a table.

#ifndef HOMESHIFT_COMMON_LINE_DIRECTORY_HH
#define HOMESHIFT_COMMON_LINE_DIRECTORY_HH

#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <utility>
#include <vector>

#include "common/flat_map.hh"

namespace homeshift
{

// The least power of two that is not less. (gem5 is C++17: there is no std::bit_ceil.)
constexpr std::size_t
power_of_two_from(std::size_t bytes)
{
    std::size_t power = 1;
    while (power < bytes) {
        power *= 2;
    }
    return power;
}

// Record: the engine's entry type. Holder: what keeps one, like a unique_ptr; the directory owns
// what it is given. A record stays where it is in memory until it goes.
template <typename Record, typename Holder = std::unique_ptr<Record>>
class LineDirectory
{
  public:
    LineDirectory(std::uint64_t memory_bytes, unsigned region_shift)
        : shift_(region_shift), home_(memory_bytes >> region_shift)
    {}

    LineDirectory(const LineDirectory &) = delete;
    LineDirectory &operator=(const LineDirectory &) = delete;

    Record *
    lookup(std::uint64_t line)
    {
        const std::uint32_t number = find(line);
        return number == kNone ? nullptr : node(number).record.get();
    }

    // Let the host fetch what a look-up will need. (GCC drops calls that do no more than that.)
    [[gnu::always_inline]] void
    prefetch(std::uint64_t line) const
    {
        __builtin_prefetch(&first_[hash(line)]);
        regions_.prefetch(line >> shift_);
    }

    // The second step, when the first is done: the record, and the one that a new one will follow.
    [[gnu::always_inline]] void
    prefetch_record(std::uint64_t line)
    {
        if (const std::uint32_t number = first_[hash(line)]; number != kNone) {
            __builtin_prefetch(&node(number));
        }
        if (const Region *const region = regions_.find(line >> shift_)) {
            __builtin_prefetch(&node(region->tail));
        }
    }

    template <typename Entry>
    Record *
    allocate(std::uint64_t line, Entry *record)
    {
        if (find(line) != kNone) {
            throw std::logic_error("the line already has a record");
        }
        std::uint32_t number = free_;
        if (number != kNone) {
            free_ = node(number).next;
        } else {
            number = ++last_;
            if (number / kChunk == chunks_.size()) {
                chunks_.push_back(std::make_unique<Node[]>(kChunk));
            }
        }
        node(number).line = line;
        node(number).record.reset(record);
        show(number);
        append(regions_[line >> shift_], number);
        return node(number).record.get();
    }

    void
    deallocate(std::uint64_t line)
    {
        const std::uint32_t number = hide(line);
        Region &region = *regions_.find(line >> shift_);
        unlink(region, number);
        if (region.count == 0 && region.aside == kNone) {
            regions_.erase(line >> shift_);
        }
        release(number);
    }

    // ---- while the region's home moves: records of a departing region are set aside, and either
    // come back, if the transfer is cancelled, or are forgotten

    // Hide a record: it is found and walked no more.
    void
    setAside(std::uint64_t line)
    {
        const std::uint32_t number = hide(line);
        Region &region = *regions_.find(line >> shift_);
        unlink(region, number);
        node(number).next = region.aside;
        region.aside = number;
    }

    // All records set aside are there again, in the order in which they were.
    void
    restore(std::uint64_t address)
    {
        Region *region = regions_.find(address >> shift_);
        while (region != nullptr && region->aside != kNone) {
            const std::uint32_t number = region->aside; // the youngest of them
            region->aside = node(number).next;
            node(number).next = region->head;
            (region->head == kNone ? region->tail : node(region->head).previous) = number;
            region->head = number;
            ++region->count;
            show(number);
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
        for (std::uint32_t number = region.head; number != kNone;) {
            const std::uint32_t next = node(number).next;
            hide(node(number).line);
            release(number);
            number = next;
        }
        for (std::uint32_t number = region.aside; number != kNone;) {
            const std::uint32_t next = node(number).next;
            release(number);
            number = next;
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
        const std::uint32_t number = region->head;
        unlink(*region, number);
        append(*region, number);
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
        return node(region.head).line;
    }

    std::size_t
    size() const
    {
        return shown_;
    }

    // Visits (line, record) in no particular order; not those set aside.
    template <typename Visit>
    void
    for_each(Visit visit)
    {
        for (std::uint32_t i = 1; i <= last_; ++i) {
            if (find(node(i).line) == i) {
                visit(node(i).line, node(i).record.get());
            }
        }
    }

  private:
    static constexpr std::uint32_t kNone = 0; // the number of no node
    static constexpr std::uint32_t kChunk = 256;

    struct Links
    {
        std::uint64_t line = 0;
        std::uint32_t next_alike = kNone; // of those with one hash
        std::uint32_t next = kNone;       // in the region, or in the list of free nodes
        std::uint32_t previous = kNone;
    };

    // In one line of the host's memory, if it can be.
    struct alignas(power_of_two_from(sizeof(Links) + sizeof(Holder))) Node : Links
    {
        Holder record;
    };

    struct Region
    {
        std::uint32_t head = kNone;
        std::uint32_t tail = kNone;
        std::uint32_t aside = kNone; // records set aside, the last one first; not counted
        std::uint32_t count = 0;
    };

    Node &
    node(std::uint32_t number)
    {
        return chunks_[number / kChunk][number % kChunk];
    }

    std::size_t
    hash(std::uint64_t line) const
    {
        return line * 0x9E3779B97F4A7C15U >> (64 - hash_bits_);
    }

    std::uint32_t
    find(std::uint64_t line)
    {
        std::uint32_t number = first_[hash(line)];
        while (number != kNone && node(number).line != line) {
            number = node(number).next_alike;
        }
        return number;
    }

    void
    show(std::uint32_t number)
    {
        if (2 * ++shown_ > first_.size()) {
            grow();
        }
        std::uint32_t &first = first_[hash(node(number).line)];
        node(number).next_alike = first;
        first = number;
    }

    std::uint32_t
    hide(std::uint64_t line)
    {
        std::uint32_t *link = &first_[hash(line)];
        while (*link != kNone && node(*link).line != line) {
            link = &node(*link).next_alike;
        }
        const std::uint32_t number = *link;
        if (number == kNone) {
            throw std::logic_error("the line has no record");
        }
        *link = node(number).next_alike;
        --shown_;
        return number;
    }

    void
    grow()
    {
        std::vector<std::uint32_t> old(first_.size() * 2, kNone);
        old.swap(first_);
        ++hash_bits_;
        for (std::uint32_t number : old) {
            while (number != kNone) {
                std::uint32_t &first = first_[hash(node(number).line)];
                number = std::exchange(node(number).next_alike, std::exchange(first, number));
            }
        }
    }

    void
    append(Region &region, std::uint32_t number)
    {
        node(number).next = kNone;
        node(number).previous = region.tail;
        (region.tail == kNone ? region.head : node(region.tail).next) = number;
        region.tail = number;
        ++region.count;
    }

    void
    unlink(Region &region, std::uint32_t number)
    {
        const Links old = node(number);
        (old.previous == kNone ? region.head : node(old.previous).next) = old.next;
        (old.next == kNone ? region.tail : node(old.next).previous) = old.previous;
        --region.count;
    }

    void
    release(std::uint32_t number)
    {
        node(number).record.reset();
        node(number).next = free_;
        free_ = number;
    }

    Region
    region_of(std::uint64_t address)
    {
        const Region *region = regions_.find(address >> shift_);
        return region ? *region : Region{};
    }

    unsigned shift_;
    std::vector<bool> home_;
    unsigned hash_bits_ = 4;
    std::vector<std::uint32_t> first_ = std::vector<std::uint32_t>(16, kNone); // by hash
    std::size_t shown_ = 0;
    FlatMap<Region> regions_;
    std::vector<std::unique_ptr<Node[]>> chunks_;
    std::uint32_t last_ = kNone;
    std::uint32_t free_ = kNone;
};

} // namespace homeshift

#endif // HOMESHIFT_COMMON_LINE_DIRECTORY_HH
