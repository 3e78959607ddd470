// SPDX-License-Identifier: BSD-3-Clause
//
// What controllers keep, under the names of src/engine/structures.hh: a fixed place
// for each line, nothing on the heap, so that a snapshot is a copy of bytes.

#ifndef HOMESHIFT_CHECKER_STRUCTURES_HH
#define HOMESHIFT_CHECKER_STRUCTURES_HH

#include "checker/message.hh"

namespace homeshift::engine
{

class AbstractCacheEntry
{
  public:
    virtual ~AbstractCacheEntry() = default;
    virtual void assign(const AbstractCacheEntry &other) = 0;
};

template <typename T>
class EntryOf : public AbstractCacheEntry
{
  public:
    void
    assign(const AbstractCacheEntry &other) override
    {
        static_cast<T &>(*this) = static_cast<const T &>(other);
    }
};

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

    std::size_t
    size() const
    {
        return static_cast<std::size_t>(std::count(present_, present_ + kLines, true));
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
    insert(Addr address, const AbstractCacheEntry &entry)
    {
        const unsigned line = place_for(address, "an entry");
        if (present_[line]) {
            throw ProtocolError("a line gets a second entry");
        }
        present_[line] = true;
        entries_[line]->assign(entry);
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

// An address of none of the lines that are looked at: what evicts one of them.
constexpr Addr kOtherLine = Addr{kLines} << kLineShift;

// The address of a line whose coming evicts a line from any cache.
inline Addr
evicts(unsigned line)
{
    world.victim = line;
    return kOtherLine;
}

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
    allocate(Addr address, const AbstractCacheEntry &entry)
    {
        if (size() >= capacity) {
            throw ProtocolError("a line comes into a cache that has no room");
        }
        return insert(address, entry);
    }

    void
    allocateVoid(Addr address, const AbstractCacheEntry &entry)
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

// The records of a home, oldest first, whether it is the region's home, and who has no right to it:
// all lines are of one region. Records set aside are kept, but not found.
class HomeDirectory : public EntryTable
{
  public:
    AbstractCacheEntry *
    allocate(Addr address, const AbstractCacheEntry &entry)
    {
        if (isAside(address)) {
            throw ProtocolError("a line gets a second entry, its first is set aside");
        }
        AbstractCacheEntry *kept = insert(address, entry);
        order_[size() - 1] = byte_for(address);
        return kept;
    }

    void
    deallocate(Addr address)
    {
        erase(address);
        take_out(order_, address);
    }

    void
    setAside(Addr address)
    {
        if (!isTagPresent(address)) {
            throw ProtocolError("an entry is set aside that is not there");
        }
        present_[line_of(address)] = false;
        take_out(order_, address);
        push_front(aside_, byte_for(address));
    }

    bool
    isAside(Addr address) const
    {
        return position(aside_, address) != kLines;
    }

    void
    restore(Addr)
    {
        while (aside_[0] != 0) {
            const Byte youngest = aside_[0];
            take_out(aside_, address_of(youngest - 1u));
            push_front(order_, youngest);
            present_[youngest - 1] = true;
        }
    }

    void
    forget(Addr)
    {
        for (unsigned line = 0; line < kLines; ++line) {
            present_[line] = false;
            order_[line] = aside_[line] = 0;
            clear(line);
        }
    }

    void
    rotate(Addr)
    {
        if (order_[0] != 0) {
            std::rotate(order_, order_ + 1, order_ + size());
        }
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

    bool
    isFenced(Addr, MachineID machine) const
    {
        return fenced_.isElement(machine);
    }

    NetDest
    fenced(Addr) const
    {
        return fenced_;
    }

    void
    setFenced(Addr, const NetDest &machines)
    {
        fenced_ = machines;
    }

  protected:
    ~HomeDirectory() = default;

    bool home_ = false;
    NetDest fenced_;
    Byte order_[kLines] = {}; // line + 1
    Byte aside_[kLines] = {}; // line + 1, the youngest first

  private:
    static Byte
    byte_for(Addr address)
    {
        return static_cast<Byte>(line_of(address) + 1);
    }

    static unsigned
    position(const Byte (&list)[kLines], Addr address)
    {
        return static_cast<unsigned>(std::find(list, list + kLines, byte_for(address)) - list);
    }

    static void
    take_out(Byte (&list)[kLines], Addr address)
    {
        std::fill(std::remove(list, list + kLines, byte_for(address)), list + kLines, Byte{0});
    }

    static void
    push_front(Byte (&list)[kLines], Byte first)
    {
        std::copy_backward(list, list + kLines - 1, list + kLines);
        list[0] = first;
    }
};

// gem5's directory: an entry for each line of memory, made when it is first looked at.
class DirectoryMemory : public EntryTable
{
  public:
    AbstractCacheEntry *
    allocate(Addr address, const AbstractCacheEntry &entry)
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
    explicit Holding(unsigned capacity = kLines)
    {
        if constexpr (requires { this->capacity; }) {
            this->capacity = capacity;
        }
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
            visit("fenced", this->fenced_);
            visit("order", this->order_);
            visit("aside", this->aside_);
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

// Whether a core gets an access fault for a line, in this step.
inline bool
faulted(Addr address)
{
    return (world.fault >> line_of(address) & 1) != 0;
}

// Where a node believes the region's home to be.
class HomeTable
{
  public:
    NodeID
    lookup(MachineID, Addr) const
    {
        return home_;
    }

    void
    set(MachineID, Addr, NodeID home)
    {
        if (home >= kNodes) {
            throw ProtocolError(
                "a table is set from a field that nobody set, or that the scenario "
                "says nobody reads");
        }
        home_ = home;
    }

    Addr
    region(Addr) const
    {
        return 0;
    }

    void
    profileService(MachineID, Addr, MachineID, MachineID)
    {}

    // What a node asks with.
    NetDest
    machinesOf(NodeID node) const
    {
        NetDest machines;
        for (unsigned type = 0; type < MachineType_NUM; ++type) {
            const auto asking = static_cast<MachineType>(type);
            if (asks(asking)) {
                machines.add(createMachineID(asking, node));
            }
        }
        return machines;
    }

    // The answer that the core gets in this step is an access fault.
    void
    accessFault(MachineID, Addr address)
    {
        world.fault |= 1u << line_of(address);
    }

    template <typename Visit>
    void
    for_each_variable(Visit &visit)
    {
        visit("home", home_);
    }

  private:
    NodeID home_ = 0;
};

// As a node has one.
using NodeHomeTable = HomeTable;

} // namespace homeshift::engine

#endif // HOMESHIFT_CHECKER_STRUCTURES_HH
