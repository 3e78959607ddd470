// SPDX-License-Identifier: BSD-3-Clause
//
// What controllers keep, under the names of src/engine/structures.hh: a fixed place
// for each line, nothing on the heap, so that a snapshot is a copy of bytes.

#ifndef HOMESHIFT_CHECKER_STRUCTURES_HH
#define HOMESHIFT_CHECKER_STRUCTURES_HH

#include "checker/world.hh"

namespace homeshift::engine
{

class AbstractCacheEntry
{
  public:
    virtual ~AbstractCacheEntry() = default;
    virtual void assign(const AbstractCacheEntry &other) = 0;
};

template <typename T>
class EntryOf : public AbstractCacheEntry, public Pooled<T>
{
  public:
    void
    assign(const AbstractCacheEntry &other) override
    {
        static_cast<T &>(*this) = static_cast<const T &>(other);
    }
};

inline unsigned
place_for(Addr address, const char *what)
{
    if (line_of(address) >= kLines) {
        throw ProtocolError(std::string(what) + " for a line that nobody has asked for");
    }
    return line_of(address);
}

template <typename T>
class TBETable
{
  public:
    T *
    lookup(Addr address)
    {
        return isPresent(address) ? &all_[line_of(address)] : nullptr;
    }

    void
    allocate(Addr address)
    {
        const unsigned line = place_for(address, "a TBE");
        if (present_[line]) {
            throw ProtocolError("a TBE is allocated twice");
        }
        present_[line] = true;
        all_[line] = T{};
    }

    void
    deallocate(Addr address)
    {
        if (!isPresent(address)) {
            throw ProtocolError("a TBE is deallocated that is not there");
        }
        present_[line_of(address)] = false;
        all_[line_of(address)] = T{};
    }

    bool
    isPresent(Addr address) const
    {
        return line_of(address) < kLines && present_[line_of(address)];
    }

    T *
    find(unsigned line)
    {
        return lookup(address_of(line));
    }

    bool
    isEmpty() const
    {
        return std::none_of(present_, present_ + kLines, [](bool p) { return p; });
    }

    template <typename Visit>
    void
    for_each_variable(Visit &visit)
    {
        visit("present", present_);
        visit("entries", all_);
    }

  private:
    bool present_[kLines] = {};
    T all_[kLines];
};

// Entries of one type, a place for each line.
class EntryTable
{
  public:
    AbstractCacheEntry *
    lookup(Addr address)
    {
        return isTagPresent(address) ? entries_[line_of(address)] : nullptr;
    }

    bool
    isTagPresent(Addr address) const
    {
        return line_of(address) < kLines && present_[line_of(address)];
    }

  protected:
    AbstractCacheEntry *
    insert(Addr address, AbstractCacheEntry *entry)
    {
        const unsigned line = place_for(address, "an entry");
        if (present_[line]) {
            throw ProtocolError("a line gets a second entry");
        }
        present_[line] = true;
        entries_[line]->assign(*entry);
        delete entry;
        return entries_[line];
    }

    void
    erase(Addr address)
    {
        if (!isTagPresent(address)) {
            throw ProtocolError("an entry is removed that is not there");
        }
        present_[line_of(address)] = false;
        clear(line_of(address));
    }

    unsigned
    size() const
    {
        return static_cast<unsigned>(std::count(present_, present_ + kLines, true));
    }

    virtual void clear(unsigned line) = 0;

    ~EntryTable() = default;

    bool present_[kLines] = {};
    AbstractCacheEntry *entries_[kLines] = {};
};

// A cache. Any of its lines may be evicted at any time, as if a line that is not looked at came in:
// so it has room for all lines, unless a scenario makes it smaller.
class CacheMemory : public EntryTable
{
  public:
    unsigned capacity = kLines;

    bool
    cacheAvail(Addr address) const
    {
        return address != kOtherLine && (isTagPresent(address) || size() < capacity);
    }

    Addr
    cacheProbe(Addr address) const
    {
        if (address == kOtherLine) {
            return address_of(world.victim);
        }
        return address_of(
            static_cast<unsigned>(std::find(present_, present_ + kLines, true) - present_));
    }

    AbstractCacheEntry *
    allocate(Addr address, AbstractCacheEntry *entry)
    {
        if (size() >= capacity) {
            throw ProtocolError("a line comes into a cache that has no room");
        }
        return insert(address, entry);
    }

    void
    allocateVoid(Addr address, AbstractCacheEntry *entry)
    {
        allocate(address, entry);
    }

    void
    deallocate(Addr address)
    {
        erase(address);
    }

    void
    setMRU(AbstractCacheEntry *)
    {}

    void
    profileDemandHit()
    {}

    void
    profileDemandMiss()
    {}
};

// The records of a home, oldest first, and whether it is the region's home: all lines are of one
// region.
class HomeDirectory : public EntryTable
{
  public:
    AbstractCacheEntry *
    allocate(Addr address, AbstractCacheEntry *entry)
    {
        AbstractCacheEntry *kept = insert(address, entry);
        order_[size() - 1] = static_cast<Byte>(line_of(address) + 1);
        return kept;
    }

    void
    deallocate(Addr address)
    {
        erase(address);
        Byte *end = std::remove(order_, order_ + kLines, static_cast<Byte>(line_of(address) + 1));
        std::fill(end, order_ + kLines, Byte{0});
    }

    bool
    isHome(Addr) const
    {
        return home_;
    }

    void
    setHome(Addr, bool home)
    {
        home_ = home;
    }

    int
    entries(Addr) const
    {
        return static_cast<int>(size());
    }

    Addr
    firstEntry(Addr) const
    {
        return address_of(order_[0] - 1u);
    }

  protected:
    ~HomeDirectory() = default;

    bool home_ = false;
    Byte order_[kLines] = {}; // line + 1
};

// gem5's directory: an entry for each line of memory, made when it is first looked at.
class DirectoryMemory : public EntryTable
{
  public:
    AbstractCacheEntry *
    allocate(Addr address, AbstractCacheEntry *entry)
    {
        return insert(address, entry);
    }

    bool
    isPresent(Addr address) const
    {
        return line_of(address) < kLines;
    }
};

// One of the three above, for entries of type T.
template <typename Table, typename T>
class Holding final : public Table
{
  public:
    Holding()
    {
        for (unsigned line = 0; line < kLines; ++line) {
            this->entries_[line] = &all_[line];
        }
    }

    template <typename Visit>
    void
    for_each_variable(Visit &visit)
    {
        if constexpr (requires { this->order_; }) {
            visit("home", this->home_);
            visit("order", this->order_);
        }
        visit("present", this->present_);
        visit("entries", all_);
    }

    T *
    find(unsigned line)
    {
        return this->present_[line] ? &all_[line] : nullptr;
    }

  private:
    void
    clear(unsigned line) override
    {
        all_[line] = T{};
    }

    T all_[kLines];
};

// Where a node believes the region's home to be.
class HomeTable
{
  public:
    NodeID
    lookup(Addr) const
    {
        return home_;
    }

    void
    set(Addr, NodeID home)
    {
        home_ = home;
    }

    Addr
    region(Addr) const
    {
        return 0;
    }

    void
    profileService(MachineID, MachineID)
    {}

    template <typename Visit>
    void
    for_each_variable(Visit &visit)
    {
        visit("home", home_);
    }

  private:
    NodeID home_ = 0;
};

} // namespace homeshift::engine

#endif // HOMESHIFT_CHECKER_STRUCTURES_HH
