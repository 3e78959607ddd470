// SPDX-License-Identifier: BSD-3-Clause
//
// The types that SLICC code may name, in the embedded engine. Their names and
// members are gem5's, so that the emitted controllers read like gem5's own.

#ifndef HOMESHIFT_ENGINE_TYPES_HH
#define HOMESHIFT_ENGINE_TYPES_HH

#include <array>
#include <bit>
#include <cstdint>

#include "common/access.hh"

namespace homeshift::engine
{

using Addr = std::uint64_t;
using Cycle = std::uint64_t;  // a point in time, in cycles of the machine's one clock
using Cycles = std::uint64_t; // a duration
using Tick = std::uint64_t;   // a point in time, in ps
using NodeID = std::uint32_t;

// A NodeID that nobody has set. gem5 begins with 0: no protocol may rely on either.
constexpr NodeID kNoNode = 255;

constexpr Addr kNoLine = ~Addr{0};

// In the order of gem5's MachineType.
enum MachineType : std::uint8_t
{
    MachineType_L1Cache,
    MachineType_Directory,
    MachineType_DMA,
    MachineType_Memory,
    MachineType_NUM
};

constexpr std::array<const char *, MachineType_NUM> kMachineTypeNames = {"L1Cache", "Directory",
                                                                         "DMA", "Memory"};

struct MachineID
{
    MachineType type = MachineType_NUM;
    std::uint16_t num = 0;

    bool operator==(const MachineID &) const = default;
};

inline MachineID
createMachineID(MachineType type, NodeID num)
{
    return {type, static_cast<std::uint16_t>(num)};
}

inline NodeID
machineIDToNodeID(MachineID id)
{
    return id.num;
}

inline MachineType
machineIDToMachineType(MachineID id)
{
    return id.type;
}

constexpr unsigned kMachines = 64;        // of a type, at most: gem5's default as well
constexpr unsigned kVirtualNetworks = 16; // at most

// All machines in one row, whatever their types: a MachineID that is a single number.
using MachineIndex = std::uint16_t;
constexpr MachineIndex kNoMachine = ~MachineIndex{0};

constexpr MachineIndex
index_of(MachineID id)
{
    return static_cast<MachineIndex>(id.type * kMachines + id.num);
}

constexpr MachineID
machine_at(MachineIndex index)
{
    return {static_cast<MachineType>(index / kMachines),
            static_cast<std::uint16_t>(index % kMachines)};
}

// A set of machines.
class NetDest
{
  public:
    void
    add(MachineID id)
    {
        bits_[id.type] |= bit(id);
    }

    void
    remove(MachineID id)
    {
        bits_[id.type] &= ~bit(id);
    }

    void
    addNetDest(const NetDest &others)
    {
        for (unsigned type = 0; type < MachineType_NUM; ++type) {
            bits_[type] |= others.bits_[type];
        }
    }

    void
    removeNetDest(const NetDest &others)
    {
        for (unsigned type = 0; type < MachineType_NUM; ++type) {
            bits_[type] &= ~others.bits_[type];
        }
    }

    NetDest
    AND(const NetDest &others) const
    {
        NetDest both;
        for (unsigned type = 0; type < MachineType_NUM; ++type) {
            both.bits_[type] = bits_[type] & others.bits_[type];
        }
        return both;
    }

    void
    clear()
    {
        bits_ = {};
    }

    int
    count() const
    {
        int n = 0;
        for (std::uint64_t word : bits_) {
            n += std::popcount(word);
        }
        return n;
    }

    bool
    isElement(MachineID id) const
    {
        return (bits_[id.type] & bit(id)) != 0;
    }

    bool
    isEmpty() const
    {
        return count() == 0;
    }

    // The machine, if there is exactly one; else kNoMachine.
    MachineIndex
    only() const
    {
        MachineIndex last = kNoMachine;
        for_each([&last](MachineID id) { last = index_of(id); });
        return count() == 1 ? last : kNoMachine;
    }

    // The machines of one type, a bit each.
    std::uint64_t
    bits(MachineType type) const
    {
        return bits_[type];
    }

    void
    set_bits(MachineType type, std::uint64_t bits)
    {
        bits_[type] = bits;
    }

    // Visits the machines by type, then number.
    template <typename Visit>
    void
    for_each(Visit visit) const
    {
        for (unsigned type = 0; type < MachineType_NUM; ++type) {
            for (std::uint64_t word = bits_[type]; word != 0; word &= word - 1) {
                visit(MachineID{static_cast<MachineType>(type),
                                static_cast<std::uint16_t>(std::countr_zero(word))});
            }
        }
    }

  private:
    static std::uint64_t
    bit(MachineID id)
    {
        return std::uint64_t{1} << id.num;
    }

    std::array<std::uint64_t, MachineType_NUM> bits_{};
};

// A line's data. Not 64 bytes but the identity of the last store to the line:
// enough to check that every load returns the last value written.
struct DataBlock
{
    std::uint64_t token = 0;
};

// gem5's sizes: a control message is 8 bytes, one with data 8 bytes and a line.
enum MessageSizeType : std::uint8_t
{
    MessageSizeType_Control,
    MessageSizeType_Data,
    MessageSizeType_Request_Control,
    MessageSizeType_Reissue_Control,
    MessageSizeType_Response_Data,
    MessageSizeType_ResponseL2hit_Data,
    MessageSizeType_ResponseLocal_Data,
    MessageSizeType_Response_Control,
    MessageSizeType_Writeback_Data,
    MessageSizeType_Writeback_Control,
    MessageSizeType_Broadcast_Control,
    MessageSizeType_Multicast_Control,
    MessageSizeType_Forwarded_Control,
    MessageSizeType_Invalidate_Control,
    MessageSizeType_Unblock_Control,
    MessageSizeType_Persistent_Control,
    MessageSizeType_Completion_Control,
    MessageSizeType_NUM
};

constexpr std::array<const char *, MessageSizeType_NUM> kMessageSizeTypeNames = {
    "Control",
    "Data",
    "Request_Control",
    "Reissue_Control",
    "Response_Data",
    "ResponseL2hit_Data",
    "ResponseLocal_Data",
    "Response_Control",
    "Writeback_Data",
    "Writeback_Control",
    "Broadcast_Control",
    "Multicast_Control",
    "Forwarded_Control",
    "Invalidate_Control",
    "Unblock_Control",
    "Persistent_Control",
    "Completion_Control"};

constexpr bool
carries_data(MessageSizeType type)
{
    constexpr std::uint32_t with_data =
        1U << MessageSizeType_Data | 1U << MessageSizeType_Response_Data |
        1U << MessageSizeType_ResponseL2hit_Data | 1U << MessageSizeType_ResponseLocal_Data |
        1U << MessageSizeType_Writeback_Data;
    return (with_data >> type & 1) != 0;
}

constexpr unsigned
message_bytes(MessageSizeType type)
{
    return 8 + kLineBytes * static_cast<unsigned>(carries_data(type));
}

enum RubyRequestType : std::uint8_t
{
    RubyRequestType_LD,
    RubyRequestType_ST,
    RubyRequestType_ATOMIC,
    RubyRequestType_IFETCH
};

enum MemoryRequestType : std::uint8_t
{
    MemoryRequestType_MEMORY_READ,
    MemoryRequestType_MEMORY_WB
};

} // namespace homeshift::engine

#endif // HOMESHIFT_ENGINE_TYPES_HH
