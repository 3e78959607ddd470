// SPDX-License-Identifier: BSD-3-Clause
//
// The messages that no SLICC file declares, because gem5 brings them along: what a core
// and a device ask, and what passes between a Memory machine and its DRAM. Each runtime
// has its own MessageOf and includes this behind it.

#ifndef HOMESHIFT_ENGINE_REQUEST_MESSAGES_HH
#define HOMESHIFT_ENGINE_REQUEST_MESSAGES_HH

#include <cstdint>

namespace homeshift::engine
{

class RubyRequest final : public MessageOf<RubyRequest>
{
  public:
    Addr LineAddress = 0;
    Addr PhysicalAddress = 0;
    RubyRequestType Type = RubyRequestType_LD;

    template <typename Visit>
    void
    for_each_field(Visit &visit)
    {
        visit("LineAddress", LineAddress);
        visit("PhysicalAddress", PhysicalAddress);
        visit("Type", Type);
    }
};

enum SequencerRequestType : std::uint8_t
{
    SequencerRequestType_LD,
    SequencerRequestType_ST
};

// The request of a device to its DMA machine.
class SequencerMsg final : public MessageOf<SequencerMsg>
{
  public:
    Addr LineAddress = 0;
    Addr PhysicalAddress = 0;
    SequencerRequestType Type = SequencerRequestType_LD;
    DataBlock DataBlk;
    int Len = 0; // always a line: no part of the state

    template <typename Visit>
    void
    for_each_field(Visit &visit)
    {
        visit("LineAddress", LineAddress);
        visit("PhysicalAddress", PhysicalAddress);
        visit("Type", Type);
        visit("DataBlk", DataBlk);
    }
};

class MemoryMsg final : public MessageOf<MemoryMsg>
{
  public:
    Addr addr = 0;
    MemoryRequestType Type = MemoryRequestType_MEMORY_READ;
    MachineID Sender;
    MachineID OriginalRequestorMachId;
    DataBlock DataBlk;
    int Len = 0; // always a line: no part of the state

    template <typename Visit>
    void
    for_each_field(Visit &visit)
    {
        visit("addr", addr);
        visit("Type", Type);
        visit("Sender", Sender);
        visit("OriginalRequestorMachId", OriginalRequestorMachId);
        visit("DataBlk", DataBlk);
    }
};

} // namespace homeshift::engine

#endif // HOMESHIFT_ENGINE_REQUEST_MESSAGES_HH
