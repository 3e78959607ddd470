// SPDX-License-Identifier: BSD-3-Clause
//
// What controllers keep: transactions, cache arrays, and a node's home table and
// directory under the names and signatures that the SLICC files use.

#ifndef HOMESHIFT_ENGINE_STRUCTURES_HH
#define HOMESHIFT_ENGINE_STRUCTURES_HH

#include <cstdint>
#include <utility>
#include <vector>

#include "common/flat_map.hh"
#include "common/home_map.hh"
#include "common/line_directory.hh"
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
    TBETable() = default;
    TBETable(const TBETable &) = delete;
    TBETable &operator=(const TBETable &) = delete;

    ~TBETable()
    {
        for (T *tbe : all_) {
            delete tbe;
        }
    }

    T *
    lookup(Addr address)
    {
        T **found = index_.find(address);
        return found ? *found : nullptr;
    }

    void
    allocate(Addr address)
    {
        T *tbe;
        if (free_.empty()) {
            tbe = new T;
            all_.push_back(tbe);
        } else {
            tbe = free_.back();
            free_.pop_back();
            *tbe = T{};
        }
        index_.set(address, tbe);
    }

    void
    deallocate(Addr address)
    {
        free_.push_back(*index_.find(address));
        index_.erase(address);
    }

    bool
    isPresent(Addr address)
    {
        return index_.find(address) != nullptr;
    }

    std::size_t
    size() const
    {
        return index_.size();
    }

  private:
    FlatMap<T *> index_;
    std::vector<T *> all_;
    std::vector<T *> free_;
};

// A set-associative array with true LRU, as gem5's CacheMemory with LRURP.
class CacheMemory
{
  public:
    // bytes / (associativity * 64) sets, a power of two.
    CacheMemory(std::uint64_t bytes, unsigned associativity, const Cycle &now)
        : ways_(associativity),
          sets_(bytes / (associativity * kLineBytes)),
          now_(now),
          tags_(sets_ * ways_, kNoTag),
          entries_(sets_ * ways_),
          touched_(sets_ * ways_)
    {}

    CacheMemory(const CacheMemory &) = delete;
    CacheMemory &operator=(const CacheMemory &) = delete;

    ~CacheMemory()
    {
        for (AbstractCacheEntry *entry : entries_) {
            delete entry;
        }
    }

    AbstractCacheEntry *
    lookup(Addr line)
    {
        const std::size_t slot = find(line);
        return slot == kNoSlot ? nullptr : entries_[slot];
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
        const std::size_t first = first_slot(line);
        for (std::size_t slot = first; slot < first + ways_; ++slot) {
            if (tags_[slot] == line || tags_[slot] == kNoTag) {
                return true;
            }
        }
        return false;
    }

    // The line that would have to go for this one.
    Addr
    cacheProbe(Addr line)
    {
        const std::size_t first = first_slot(line);
        std::size_t victim = first;
        for (std::size_t slot = first + 1; slot < first + ways_; ++slot) {
            if (touched_[slot] < touched_[victim]) {
                victim = slot;
            }
        }
        return tags_[victim];
    }

    AbstractCacheEntry *
    allocate(Addr line, AbstractCacheEntry *entry)
    {
        std::size_t slot = first_slot(line);
        while (tags_[slot] != kNoTag) {
            ++slot;
        }
        tags_[slot] = line;
        entries_[slot] = entry;
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
        tags_[slot] = kNoTag;
        delete entries_[slot];
        entries_[slot] = nullptr;
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
        for (Addr tag : tags_) {
            if (tag != kNoTag) {
                visit(tag);
            }
        }
    }

    std::uint64_t hits = 0;
    std::uint64_t misses = 0;

  private:
    static constexpr Addr kNoTag = ~Addr{0};
    static constexpr std::size_t kNoSlot = ~std::size_t{0};

    std::size_t
    first_slot(Addr line) const
    {
        return ((line >> kLineShift) & (sets_ - 1)) * ways_;
    }

    std::size_t
    find(Addr line) const
    {
        const std::size_t first = first_slot(line);
        for (std::size_t slot = first; slot < first + ways_; ++slot) {
            if (tags_[slot] == line) {
                return slot;
            }
        }
        return kNoSlot;
    }

    unsigned ways_;
    std::size_t sets_;
    const Cycle &now_;
    std::vector<Addr> tags_;
    std::vector<AbstractCacheEntry *> entries_;
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
