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
#include <utility>
#include <vector>

#include "common/flat_map.hh"
#include "common/home_map.hh"
#include "common/line_directory.hh"
#include "engine/line_table.hh"
#include "engine/pool.hh"
#include "engine/types.hh"

namespace homeshift::engine
{

class AbstractCacheEntry
{
  public:
    virtual ~AbstractCacheEntry() = default;

  private:
    friend class CacheMemory;
    virtual std::size_t bytes() const = 0;
    virtual AbstractCacheEntry *move_to(void *place) = 0; // and delete this one

    std::uint32_t *tag_ = nullptr; // in the cache array that holds it
};

// An entry that SLICC declares: T derives from EntryOf<T>.
template <typename T>
class EntryOf : public AbstractCacheEntry, public Pooled<T>
{
  private:
    std::size_t
    bytes() const final
    {
        return sizeof(T);
    }

    AbstractCacheEntry *
    move_to(void *place) final
    {
        T *moved = ::new (place) T(static_cast<T &>(*this));
        delete static_cast<T *>(this);
        return moved;
    }
};

template <typename T>
class TBETable
{
  public:
    T *
    lookup(Addr address)
    {
        const auto *found = under_way_.find(address);
        return found ? found->get() : nullptr;
    }

    void
    allocate(Addr address)
    {
        auto &place = under_way_.add(address);
        if (place == nullptr) {
            place = std::make_unique<T>();
        } else {
            *place = T{};
        }
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
    LineTable<std::unique_ptr<T>> under_way_;
};

// A set-associative array with true LRU, as gem5's CacheMemory with LRURP.
//
// A look-up mostly waits for the host's memory, so what is looked at together lies together: of a set
// the tags, then the times of the last touch; apart from them the entries, each in its slot's place.
class CacheMemory
{
  public:
    // bytes / (associativity * 64) sets, a power of two; memory: bytes that it caches a part of.
    CacheMemory(std::uint64_t bytes, unsigned associativity, std::uint64_t memory, const Cycle &now)
        : ways_(associativity),
          lanes_((associativity + kLanes - 1) / kLanes * kLanes),
          set_bits_(static_cast<unsigned>(std::countr_zero(bytes / (associativity * kLineBytes)))),
          now_(now),
          lines_(sets() * 2 * lanes_ / kWords)
    {
        if (memory >> (kLineShift + set_bits_) >= kNoWay) {
            throw std::invalid_argument("a cache of so few sets cannot tell so many lines apart");
        }
        for (std::size_t set = 0; set < sets(); ++set) {
            for (unsigned way = ways_; way < lanes_; ++way) {
                tags(set)[way] = kNoWay;
            }
        }
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
        const std::uint32_t *touched = tags(set) + lanes_;
        unsigned victim = 0;
        for (unsigned way = 1; way < ways_; ++way) {
            victim = touched[way] < touched[victim] ? way : victim;
        }
        return line_of(set, tags(set)[victim]);
    }

    AbstractCacheEntry *
    allocate(Addr line, AbstractCacheEntry *entry)
    {
        if (entries_ == nullptr) {
            entry_bytes_ = std::bit_ceil(entry->bytes());
            const std::size_t bytes = sets() * ways_ * entry_bytes_;
            entries_ = std::make_unique_for_overwrite<HostLine[]>(bytes / sizeof(HostLine) + 1);
        }
        const std::size_t set = set_of(line);
        const unsigned way = find(set, kFree);
        std::uint32_t *const tag = tags(set) + way;
        tag[0] = tag_of(line);
        tag[lanes_] = stamp();
        AbstractCacheEntry *const kept = entry->move_to(place(set, way));
        kept->tag_ = tag;
        return kept;
    }

    void
    allocateVoid(Addr line, AbstractCacheEntry *entry)
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
        entry->tag_[lanes_] = stamp();
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
        for (std::size_t set = 0; set < sets(); ++set) {
            for (unsigned way = 0; way < ways_; ++way) {
                if (tags(set)[way] != kFree) {
                    visit(line_of(set, tags(set)[way]));
                }
            }
        }
    }

    std::uint64_t hits = 0;
    std::uint64_t misses = 0;

  private:
    static constexpr unsigned kNone = ~0U;
    static constexpr std::uint32_t kFree = 0;       // tag of a free slot
    static constexpr std::uint32_t kNoWay = ~0U;    // tag of what is no slot
    static constexpr unsigned kLanes = 8;           // tags that are compared at once
    static constexpr unsigned kWords = 16;          // of a line of the host's memory
    static constexpr Cycles kStamps = 0xffff'0000;  // before all are renumbered

    struct alignas(64) HostLine
    {
        std::array<std::uint32_t, kWords> words;
    };

    std::size_t
    sets() const
    {
        return std::size_t{1} << set_bits_;
    }

    std::size_t
    set_of(Addr line) const
    {
        return (line >> kLineShift) & (sets() - 1);
    }

    std::uint32_t
    tag_of(Addr line) const
    {
        return static_cast<std::uint32_t>(line >> (kLineShift + set_bits_)) + 1;
    }

    Addr
    line_of(std::size_t set, std::uint32_t tag) const
    {
        return (Addr{tag - 1} << set_bits_ | set) << kLineShift;
    }

    // A set's tags. The times of the last touch stand lanes_ behind them.
    std::uint32_t *
    tags(std::size_t set)
    {
        return lines_[set * 2 * lanes_ / kWords].words.data();
    }

    void *
    place(std::size_t set, unsigned way)
    {
        return reinterpret_cast<std::byte *>(entries_.get()) + (set * ways_ + way) * entry_bytes_;
    }

    AbstractCacheEntry *
    entry(std::size_t set, unsigned way)
    {
        return static_cast<AbstractCacheEntry *>(place(set, way));
    }

    [[gnu::noinline]] unsigned
    find(std::size_t set, std::uint32_t sought)
    {
        using Tags [[gnu::vector_size(4 * kLanes)]] = std::uint32_t;
        constexpr Tags bits = {1, 2, 4, 8, 16, 32, 64, 128};
        for (unsigned first = 0; first < lanes_; first += kLanes) {
            Tags some;
            std::memcpy(&some, tags(set) + first, sizeof(some));
            const Tags equal = (some == sought) & bits;
            auto found = __builtin_shufflevector(equal, equal, 0, 1, 2, 3) |
                         __builtin_shufflevector(equal, equal, 4, 5, 6, 7);
            found |= __builtin_shufflevector(found, found, 2, 3, 0, 1);
            if (const std::uint32_t mask = found[0] | found[1]; mask != 0) {
                return first + static_cast<unsigned>(std::countr_zero(mask));
            }
        }
        return kNone;
    }

    // The current cycle, of 32 bits.
    std::uint32_t
    stamp()
    {
        if (now_ - first_stamp_ >= kStamps) [[unlikely]] {
            renumber();
        }
        return static_cast<std::uint32_t>(now_ - first_stamp_);
    }

    // Begin anew: of a set only the order counts.
    void
    renumber()
    {
        std::vector<std::uint32_t> order;
        for (std::size_t set = 0; set < sets(); ++set) {
            std::uint32_t *const touched = tags(set) + lanes_;
            order.assign(touched, touched + ways_);
            std::sort(order.begin(), order.end());
            for (unsigned way = 0; way < ways_; ++way) {
                const auto rank = std::lower_bound(order.begin(), order.end(), touched[way]);
                touched[way] = static_cast<std::uint32_t>(rank - order.begin());
            }
        }
        first_stamp_ = now_ - ways_;
    }

    const unsigned ways_;
    const unsigned lanes_; // ways, rounded up
    const unsigned set_bits_;
    const Cycle &now_;
    Cycle first_stamp_ = 0;
    std::vector<HostLine> lines_;
    std::size_t entry_bytes_ = 0;
    std::unique_ptr<HostLine[]> entries_; // plain data, whatever SLICC declares
};

// A node's home table, a count of where the node's misses were served, and the faults that its
// cores are about to be told.
class HomeTable : public HomeMap
{
  public:
    HomeTable(const HomeMap &map, unsigned node, unsigned cores_per_node)
        : HomeMap(map), node_(node), cores_per_node_(cores_per_node)
    {}

    // sender: who supplied the data; home: who ordered the request.
    void
    profileService(MachineID sender, MachineID home)
    {
        const unsigned from =
            sender.type == MachineType_L1Cache ? sender.num / cores_per_node_ : sender.num;
        ++(from == node_ && home.num == node_ ? served_locally : served_remotely);
    }

    // What a node asks with: its caches and its DMA.
    NetDest
    machinesOf(NodeID node) const
    {
        NetDest machines;
        for (unsigned i = 0; i < cores_per_node_; ++i) {
            machines.add(createMachineID(MachineType_L1Cache, node * cores_per_node_ + i));
        }
        machines.add(createMachineID(MachineType_DMA, node));
        return machines;
    }

    // The answer that the core gets next for this line is an access fault.
    void
    accessFault(MachineID core, Addr line)
    {
        faults_.emplace_back(core, line);
    }

    bool
    take_fault(MachineID core, Addr line)
    {
        return std::erase(faults_, std::pair(core, line)) != 0;
    }

    std::uint64_t served_locally = 0;
    std::uint64_t served_remotely = 0;

  private:
    unsigned node_;
    unsigned cores_per_node_;
    std::vector<std::pair<MachineID, Addr>> faults_;
};

// gem5's directory of all lines of memory: an entry is made when a line is first asked for.
class DirectoryMemory
{
  public:
    DirectoryMemory() = default;
    DirectoryMemory(const DirectoryMemory &) = delete;
    DirectoryMemory &operator=(const DirectoryMemory &) = delete;

    ~DirectoryMemory()
    {
        entries_.for_each([](AbstractCacheEntry *entry) { delete entry; });
    }

    AbstractCacheEntry *
    lookup(Addr line)
    {
        AbstractCacheEntry **found = entries_.find(line);
        return found ? *found : nullptr;
    }

    AbstractCacheEntry *
    allocate(Addr line, AbstractCacheEntry *entry)
    {
        return entries_[line] = entry;
    }

    bool
    isPresent(Addr) const
    {
        return true;
    }

  private:
    FlatMap<AbstractCacheEntry *> entries_;
};

// A home agent's records of lines, and of who has no right to which of its regions.
class HomeDirectory : public LineDirectory<AbstractCacheEntry>
{
  public:
    HomeDirectory(std::uint64_t memory_bytes, unsigned region_shift)
        : LineDirectory(memory_bytes, region_shift), shift_(region_shift)
    {}

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
