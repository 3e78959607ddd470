// SPDX-License-Identifier: BSD-3-Clause
//
// What controllers keep: transactions, cache arrays, and a node's home table and
// directory under the names and signatures that the SLICC files use.

#ifndef HOMESHIFT_ENGINE_STRUCTURES_HH
#define HOMESHIFT_ENGINE_STRUCTURES_HH

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <type_traits>
#include <utility>
#include <vector>
#ifdef __AVX__
#include <immintrin.h>
#endif

#include "common/flat_map.hh"
#include "common/line_directory.hh"
#include "common/line_table.hh"
#include "engine/home_table.hh"
#include "engine/protocol_error.hh"
#include "engine/types.hh"

namespace homeshift::engine
{

// What SLICC declares as an entry is plain data, and lies where the structure that keeps it puts
// it.
class AbstractCacheEntry
{};

template <typename T>
class EntryOf : public AbstractCacheEntry
{};

template <typename T>
AbstractCacheEntry *
put(void *place, const T &entry)
{
    static_assert(std::is_trivially_copyable_v<T>);
    return ::new (place) T(entry);
}

template <typename T>
class TBETable
{
  public:
    T *
    lookup(Addr address)
    {
        return under_way_.find(address);
    }

    void
    allocate(Addr address)
    {
        T *const place = under_way_.add(address);
        if (place == nullptr) {
            throw ProtocolError("a TBE is allocated twice");
        }
        *place = T{};
    }

    void
    deallocate(Addr address)
    {
        under_way_.remove(address);
    }

    bool
    isPresent(Addr address)
    {
        return lookup(address) != nullptr;
    }

    std::size_t
    size() const
    {
        return under_way_.size();
    }

  private:
    LineTable<T> under_way_;
};

// A set-associative array with true LRU, as gem5's CacheMemory with LRURP.
//
// A look-up mostly waits for the host's memory, so what is looked at together lies together: of a
// set the tags, then the times of the last touch; apart from them the entries, each in its slot's
// place.
class CacheMemory
{
  public:
    // bytes / (associativity * 64) sets, a power of two; memory: bytes that it caches a part of.
    CacheMemory(std::uint64_t bytes, unsigned associativity, std::uint64_t memory, const Cycle &now)
        : ways_(associativity),
          lanes_(std::max(std::bit_ceil(associativity), kLanes)),
          sets_(bytes / (associativity * kLineBytes)),
          set_mask_((sets_ - 1) * kLineBytes),
          set_shift_(std::countr_zero(lanes_ / kLanes)),
          tag_shift_(std::countr_zero(sets_ * kLineBytes)),
          now_(now),
          lines_(sets_ * 2 * lanes_ / kWords),
          tags_(lines_.front().words.data())
    {
        if (memory >> tag_shift_ >= kNoWay) {
            throw std::invalid_argument("a cache of so few sets cannot tell so many lines apart");
        }
        for_each_set([this](std::size_t set) {
            for (unsigned way = ways_; way < lanes_; ++way) {
                tags(set)[way] = kNoWay;
                touched(set)[way] = ~0U; // never the oldest
            }
        });
    }

    CacheMemory(const CacheMemory &) = delete;
    CacheMemory &operator=(const CacheMemory &) = delete;

    AbstractCacheEntry *
    lookup(Addr line)
    {
        const std::size_t set = set_of(line);
        const unsigned way = find(set, tag_of(line));
        return way == kNone ? nullptr : entry(set, way);
    }

    // Let the host fetch what a look-up will need. (GCC drops calls that do no more than that.)
    [[gnu::always_inline]] void
    prefetch(Addr line) const
    {
        const std::uint32_t *const first = tags(set_of(line));
        __builtin_prefetch(first);
        __builtin_prefetch(first + lanes_); // 16 ways: another line of the host's memory
    }

    // The same of a set's entries, before it is known which will be needed: all of 8 ways.
    [[gnu::always_inline]] void
    prefetch_entries(Addr line) const
    {
        const AbstractCacheEntry *const first = entry(set_of(line), 0);
        __builtin_prefetch(first);
        __builtin_prefetch(reinterpret_cast<const HostLine *>(first) + 1);
    }

    // The second step, when the first is done. Returns the line that will have to go for this one,
    // if it is to come and nothing else does before; or kNoLine.
    [[gnu::always_inline]] Addr
    prefetch_record(Addr line)
    {
        const std::size_t set = set_of(line);
        unsigned way = find(set, tag_of(line));
        way = way == kNone ? find(set, kFree) : way;
        const bool goes = way == kNone;
        way = goes ? oldest(set) : way;
        __builtin_prefetch(entry(set, way));
        return goes ? line_of(set, tags(set)[way]) : kNoLine;
    }

    bool
    isTagPresent(Addr line)
    {
        return find(set_of(line), tag_of(line)) != kNone;
    }

    // The line is here already, or its set has room.
    bool
    cacheAvail(Addr line)
    {
        const std::size_t set = set_of(line);
        return find(set, kFree) != kNone || find(set, tag_of(line)) != kNone;
    }

    // The line that would have to go for this one.
    Addr
    cacheProbe(Addr line)
    {
        const std::size_t set = set_of(line);
        return line_of(set, tags(set)[oldest(set)]);
    }

    // entry: by value, in registers; the host is slow to copy what it has just written in parts.
    template <typename T>
    AbstractCacheEntry *
    allocate(Addr line, T entry)
    {
        constexpr std::size_t bytes = std::bit_ceil(sizeof(T));
        if (entries_ == nullptr) {
            entry_bits_ = std::countr_zero(bytes);
            entries_ = std::make_unique_for_overwrite<HostLine[]>(
                (sets_ * lanes_ << entry_bits_) / sizeof(HostLine) + 1);
        }
        const std::size_t set = set_of(line);
        const unsigned way = find(set, kFree);
        tags(set)[way] = tag_of(line);
        touched(set)[way] = stamp();
        return put(this->entry(set, way), entry);
    }

    template <typename T>
    void
    allocateVoid(Addr line, T entry)
    {
        allocate(line, entry);
    }

    void
    deallocate(Addr line)
    {
        const std::size_t set = set_of(line);
        tags(set)[find(set, tag_of(line))] = kFree;
    }

    void
    setMRU(AbstractCacheEntry *entry)
    {
        const auto *const first = reinterpret_cast<const std::byte *>(entries_.get());
        const std::size_t slot =
            (reinterpret_cast<const std::byte *>(entry) - first) >> entry_bits_;
        tags_[slot + (slot | (lanes_ - 1)) + 1] = stamp(); // touched(set)[way], in fewer steps
    }

    void
    profileDemandHit()
    {
        ++hits;
    }

    void
    profileDemandMiss()
    {
        ++misses;
    }

    template <typename Visit>
    void
    for_each_line(Visit visit)
    {
        for_each_set([&](std::size_t set) {
            for (unsigned way = 0; way < ways_; ++way) {
                if (tags(set)[way] != kFree) {
                    visit(line_of(set, tags(set)[way]));
                }
            }
        });
    }

    std::uint64_t hits = 0;
    std::uint64_t misses = 0;

  private:
    static constexpr unsigned kNone = ~0U;
    static constexpr std::uint32_t kFree = 0;      // tag of a free slot
    static constexpr std::uint32_t kNoWay = ~0U;   // tag of what is no slot
    static constexpr unsigned kLanes = 8;          // tags that are compared at once
    static constexpr unsigned kWords = 16;         // of a line of the host's memory
    static constexpr Cycles kStamps = 0xffff'0000; // before all are renumbered

    struct alignas(64) HostLine
    {
        std::array<std::uint32_t, kWords> words;
    };

    // A set is named by where its tags begin: bytes from those of the first one.
    std::size_t
    set_of(Addr line) const
    {
        return (line & set_mask_) << set_shift_;
    }

    template <typename Visit>
    void
    for_each_set(Visit visit)
    {
        for (std::size_t number = 0; number < sets_; ++number) {
            visit(set_of(number * kLineBytes));
        }
    }

    std::uint32_t
    tag_of(Addr line) const
    {
        return static_cast<std::uint32_t>(line >> tag_shift_) + 1;
    }

    Addr
    line_of(std::size_t set, std::uint32_t tag) const
    {
        return Addr{tag - 1} << tag_shift_ | set >> set_shift_;
    }

    std::uint32_t *
    tags(std::size_t set) const
    {
        return reinterpret_cast<std::uint32_t *>(reinterpret_cast<std::byte *>(tags_) + set);
    }

    std::uint32_t *
    touched(std::size_t set)
    {
        return tags(set) + lanes_;
    }

    AbstractCacheEntry *
    entry(std::size_t set, unsigned way) const
    {
        const std::size_t slot = set / (2 * sizeof(*tags_)) + way;
        return reinterpret_cast<AbstractCacheEntry *>(
            reinterpret_cast<std::byte *>(entries_.get()) + (slot << entry_bits_));
    }

    using Tags [[gnu::vector_size(4 * kLanes)]] = std::uint32_t;
    using Lanes [[gnu::vector_size(4 * kLanes)]] = std::int32_t; // of a comparison: 0 or -1

    // A bit for each lane of a comparison that holds.
    static unsigned
    lanes_set(Lanes holds)
    {
#ifdef __AVX__
        return static_cast<unsigned>(_mm256_movemask_ps(reinterpret_cast<__m256>(holds)));
#else
        const Lanes bits = holds & Lanes{1, 2, 4, 8, 16, 32, 64, 128};
        auto found = __builtin_shufflevector(bits, bits, 0, 1, 2, 3) |
                     __builtin_shufflevector(bits, bits, 4, 5, 6, 7);
        found |= __builtin_shufflevector(found, found, 2, 3, 0, 1);
        return static_cast<unsigned>(found[0] | found[1]);
#endif
    }

    static Tags
    load(const std::uint32_t *from)
    {
        Tags loaded;
        std::memcpy(&loaded, from, sizeof(loaded));
        return loaded;
    }

    static Tags
    lesser(Tags a, Tags b)
    {
        return a < b ? a : b;
    }

    // The slot of a set, given its tags or times, that has this value in all lanes; or kNone.
    unsigned
    index_of(const std::uint32_t *all, Tags value) const
    {
        std::uint64_t slots = lanes_set(load(all) == value); // a bit each
        for (unsigned first = kLanes; first < lanes_; first += kLanes) {
            slots |= std::uint64_t{lanes_set(load(all + first) == value)} << first;
        }
        return slots == 0 ? kNone : static_cast<unsigned>(std::countr_zero(slots));
    }

    unsigned
    find(std::size_t set, std::uint32_t sought)
    {
        return index_of(tags(set), Tags{} + sought);
    }

    // The way that was touched first; of several, the first one.
    unsigned
    oldest(std::size_t set)
    {
        const std::uint32_t *const times = touched(set);
        Tags least = load(times);
        for (unsigned first = kLanes; first < lanes_; first += kLanes) {
            least = lesser(least, load(times + first));
        }
        least = lesser(least, __builtin_shufflevector(least, least, 4, 5, 6, 7, 0, 1, 2, 3));
        least = lesser(least, __builtin_shufflevector(least, least, 2, 3, 0, 1, 6, 7, 4, 5));
        least = lesser(least, __builtin_shufflevector(least, least, 1, 0, 3, 2, 5, 4, 7, 6));
        return index_of(times, least);
    }

    // The current cycle, of 32 bits.
    std::uint32_t
    stamp()
    {
        if (now_ >= end_of_stamps_) [[unlikely]] {
            renumber();
        }
        return static_cast<std::uint32_t>(now_ - first_stamp_);
    }

    // Begin anew: of a set only the order counts.
    [[gnu::noinline]] void
    renumber()
    {
        std::vector<std::uint32_t> order;
        for_each_set([&](std::size_t set) {
            std::uint32_t *const times = touched(set);
            order.assign(times, times + ways_);
            std::sort(order.begin(), order.end());
            for (unsigned way = 0; way < ways_; ++way) {
                const auto rank = std::lower_bound(order.begin(), order.end(), times[way]);
                times[way] = static_cast<std::uint32_t>(rank - order.begin());
            }
        });
        first_stamp_ = now_ - ways_;
        end_of_stamps_ = first_stamp_ + kStamps;
    }

    const unsigned ways_;
    const unsigned lanes_; // slots of a set; the last ones may be none
    const std::size_t sets_;
    const Addr set_mask_; // these bits of an address tell the set
    const int set_shift_; // and so far to the left they are its name
    const int tag_shift_;
    const Cycle &now_;
    Cycle first_stamp_ = 0;
    Cycle end_of_stamps_ = kStamps;
    std::vector<HostLine> lines_; // of each set, tags and then times
    std::uint32_t *const tags_;
    int entry_bits_ = 0;
    std::unique_ptr<HostLine[]> entries_;
};

// gem5's directory of all lines of memory: an entry is made when a line is first asked for.
class DirectoryMemory
{
  public:
    DirectoryMemory() = default;
    DirectoryMemory(const DirectoryMemory &) = delete;
    DirectoryMemory &operator=(const DirectoryMemory &) = delete;

    AbstractCacheEntry *
    lookup(Addr line)
    {
        std::shared_ptr<AbstractCacheEntry> *found = entries_.find(line);
        return found ? found->get() : nullptr;
    }

    [[gnu::always_inline]] void
    prefetch(Addr line) const
    {
        entries_.prefetch(line);
    }

    template <typename T>
    AbstractCacheEntry *
    allocate(Addr line, const T &entry)
    {
        const auto kept = std::make_shared<T>(entry);
        entries_.set(line, kept);
        return kept.get();
    }

    bool
    isPresent(Addr) const
    {
        return true;
    }

  private:
    FlatMap<std::shared_ptr<AbstractCacheEntry>> entries_; // each knows how to delete its own
};

// Holds a record of up to so many bytes in place.
template <std::size_t Bytes>
class InPlace
{
  public:
    template <typename T>
    void
    reset(const T *record)
    {
        static_assert(sizeof(T) <= Bytes, "a record of a home directory is too large");
        put(bytes_, *record);
    }

    void
    reset()
    {}

    AbstractCacheEntry *
    get()
    {
        return reinterpret_cast<AbstractCacheEntry *>(bytes_);
    }

  private:
    alignas(std::uint64_t) std::byte bytes_[Bytes];
};

// A home agent's records of lines, and of who has no right to which of its regions.
class HomeDirectory : public LineDirectory<AbstractCacheEntry, InPlace<40>>
{
  public:
    HomeDirectory(std::uint64_t memory_bytes, unsigned region_shift)
        : LineDirectory(memory_bytes, region_shift), shift_(region_shift)
    {}

    template <typename T>
    AbstractCacheEntry *
    allocate(Addr line, const T &record)
    {
        return LineDirectory::allocate(line, &record);
    }

    bool
    isFenced(Addr address, MachineID machine)
    {
        const NetDest *fenced = fences_.find(address >> shift_);
        return fenced != nullptr && fenced->isElement(machine);
    }

    NetDest
    fenced(Addr address)
    {
        const NetDest *fenced = fences_.find(address >> shift_);
        return fenced ? *fenced : NetDest{};
    }

    void
    setFenced(Addr address, const NetDest &machines)
    {
        if (machines.isEmpty()) {
            fences_.erase(address >> shift_);
        } else {
            fences_.set(address >> shift_, machines);
        }
    }

  private:
    unsigned shift_;
    FlatMap<NetDest> fences_; // by region; most regions have none
};

} // namespace homeshift::engine

#endif // HOMESHIFT_ENGINE_STRUCTURES_HH
