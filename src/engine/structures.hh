// SPDX-License-Identifier: BSD-3-Clause
//
// What controllers keep: transactions, cache arrays, and a node's home table and
// directory under the names and signatures that the SLICC files use.

#ifndef HOMESHIFT_ENGINE_STRUCTURES_HH
#define HOMESHIFT_ENGINE_STRUCTURES_HH

#include <bit>
#include <cstdint>
#include <memory>
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
    std::uint32_t slot_ = 0; // in the cache array that holds it
};

// An entry that SLICC declares: T derives from EntryOf<T>.
template <typename T>
class EntryOf : public AbstractCacheEntry, public Pooled<T>
{};

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
// Of each slot's tag a byte is kept apart, so that most sets are searched within one word, and a
// line that is not there mostly costs a look at this word alone.
class CacheMemory
{
  public:
    // bytes / (associativity * 64) sets, a power of two.
    CacheMemory(std::uint64_t bytes, unsigned associativity, const Cycle &now)
        : ways_(associativity),
          words_((associativity + kBytes - 1) / kBytes),
          sets_(bytes / (associativity * kLineBytes)),
          now_(now),
          marks_(sets_ * words_, kFree),
          slots_(sets_ * ways_),
          touched_(sets_ * ways_)
    {
        for (std::size_t set = 0; set < sets_; ++set) {
            for (unsigned way = ways_; way < words_ * kBytes; ++way) {
                mark(set, way, kNoWay);
            }
        }
    }

    CacheMemory(const CacheMemory &) = delete;
    CacheMemory &operator=(const CacheMemory &) = delete;

    ~CacheMemory()
    {
        for (Slot &slot : slots_) {
            delete slot.entry;
        }
    }

    AbstractCacheEntry *
    lookup(Addr line)
    {
        const std::size_t slot = find(line);
        return slot == kNoSlot ? nullptr : slots_[slot].entry;
    }

    bool
    isTagPresent(Addr line)
    {
        return find(line) != kNoSlot;
    }

    // The line is here already, or its set has room.
    bool
    cacheAvail(Addr line)
    {
        return find_free(set_of(line)) != kNoSlot || find(line) != kNoSlot;
    }

    // The line that would have to go for this one.
    Addr
    cacheProbe(Addr line)
    {
        const std::size_t first = set_of(line) * ways_;
        std::size_t victim = first;
        for (std::size_t slot = first + 1; slot < first + ways_; ++slot) {
            victim = touched_[slot] < touched_[victim] ? slot : victim;
        }
        return slots_[victim].line;
    }

    AbstractCacheEntry *
    allocate(Addr line, AbstractCacheEntry *entry)
    {
        const std::size_t set = set_of(line);
        const std::size_t slot = find_free(set);
        mark(set, slot - set * ways_, mark_of(line));
        slots_[slot] = {line, entry};
        entry->slot_ = static_cast<std::uint32_t>(slot);
        touched_[slot] = now_;
        return entry;
    }

    void
    allocateVoid(Addr line, AbstractCacheEntry *entry)
    {
        allocate(line, entry);
    }

    void
    deallocate(Addr line)
    {
        const std::size_t slot = find(line);
        const std::size_t set = set_of(line);
        mark(set, slot - set * ways_, 0);
        delete slots_[slot].entry;
        slots_[slot] = {};
    }

    void
    setMRU(AbstractCacheEntry *entry)
    {
        touched_[entry->slot_] = now_;
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
    for_each_line(Visit visit) const
    {
        for (const Slot &slot : slots_) {
            if (slot.entry != nullptr) {
                visit(slot.line);
            }
        }
    }

    std::uint64_t hits = 0;
    std::uint64_t misses = 0;

  private:
    static constexpr std::size_t kNoSlot = ~std::size_t{0};
    static constexpr unsigned kBytes = 8; // of a word of marks
    static constexpr std::uint64_t kOnes = 0x0101010101010101;
    static constexpr std::uint64_t kFree = 0;   // marks of free slots
    static constexpr std::uint8_t kNoWay = 255; // mark of what is no slot

    struct Slot
    {
        Addr line = 0;
        AbstractCacheEntry *entry = nullptr;
    };

    std::size_t
    set_of(Addr line) const
    {
        return (line >> kLineShift) & (sets_ - 1);
    }

    // 1 to 128.
    static std::uint8_t
    mark_of(Addr line)
    {
        return static_cast<std::uint8_t>(1 + ((line >> kLineShift) * 0x9E3779B97F4A7C15U >> 57));
    }

    void
    mark(std::size_t set, std::size_t way, std::uint8_t mark)
    {
        std::uint64_t &word = marks_[set * words_ + way / kBytes];
        const unsigned shift = 8 * (way % kBytes);
        word = (word & ~(std::uint64_t{255} << shift)) | std::uint64_t{mark} << shift;
    }

    // The highest bit of every byte that is 0, and perhaps of some above the lowest such byte.
    static std::uint64_t
    zero_bytes(std::uint64_t word)
    {
        return (word - kOnes) & ~word & kOnes << 7;
    }

    std::size_t
    find(Addr line) const
    {
        const std::size_t set = set_of(line);
        const std::uint64_t sought = mark_of(line) * kOnes;
        for (unsigned word = 0; word < words_; ++word) {
            std::uint64_t found = zero_bytes(marks_[set * words_ + word] ^ sought);
            for (; found != 0; found &= found - 1) {
                const std::size_t slot = set * ways_ + word * kBytes + std::countr_zero(found) / 8;
                if (slots_[slot].line == line && slots_[slot].entry != nullptr) {
                    return slot;
                }
            }
        }
        return kNoSlot;
    }

    std::size_t
    find_free(std::size_t set) const
    {
        for (unsigned word = 0; word < words_; ++word) {
            const std::uint64_t free = zero_bytes(marks_[set * words_ + word]);
            if (free != 0) {
                return set * ways_ + word * kBytes + std::countr_zero(free) / 8;
            }
        }
        return kNoSlot;
    }

    unsigned ways_;
    unsigned words_; // of marks, for a set
    std::size_t sets_;
    const Cycle &now_;
    std::vector<std::uint64_t> marks_;
    std::vector<Slot> slots_;
    std::vector<Cycle> touched_;
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
