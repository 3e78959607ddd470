// SPDX-License-Identifier: BSD-3-Clause
//
// All in which gem5's versions differ for this plugin. Since 24.1 a binary can have several
// protocols, each with a directory and a namespace of its own, and what needs to know the size of
// blocks or the number of machines is told the RubySystem. The rest of the plugin need not know.

#ifndef HOMESHIFT_GEM5_VERSION_SHIM_HH
#define HOMESHIFT_GEM5_VERSION_SHIM_HH

#include <memory>

#include "base/types.hh"
#include "mem/ruby/common/NetDest.hh"
#include "mem/ruby/network/MessageBuffer.hh"
#include "mem/ruby/slicc_interface/AbstractCacheEntry.hh"
#include "mem/ruby/slicc_interface/Message.hh"
#include "mem/ruby/system/RubySystem.hh"

#if __has_include("mem/ruby/slicc_interface/ProtocolInfo.hh")
#define HOMESHIFT_SEVERAL_PROTOCOLS 1
#include "mem/ruby/protocol/MESI_HomeShift/DMA_Controller.hh"
#include "mem/ruby/protocol/MESI_HomeShift/Directory_Controller.hh"
#include "mem/ruby/protocol/MESI_HomeShift/L1Cache_Controller.hh"
#include "mem/ruby/protocol/MESI_HomeShift/Memory_Controller.hh"
#include "mem/ruby/protocol/MESI_HomeShift/Types.hh"
#else
#include "mem/ruby/protocol/DMA_Controller.hh"
#include "mem/ruby/protocol/Directory_Controller.hh"
#include "mem/ruby/protocol/L1Cache_Controller.hh"
#include "mem/ruby/protocol/Memory_Controller.hh"
#include "mem/ruby/protocol/Types.hh"
#endif

namespace gem5
{

namespace ruby
{

#ifdef HOMESHIFT_SEVERAL_PROTOCOLS
using namespace MESI_HomeShift;
#endif

namespace shim
{

template <typename T>
std::shared_ptr<T>
makeMessage(Tick now, [[maybe_unused]] RubySystem *system)
{
#ifdef HOMESHIFT_SEVERAL_PROTOCOLS
    return std::make_shared<T>(now, system->getBlockSizeBytes(), system);
#else
    return std::make_shared<T>(now);
#endif
}

inline void
enqueue(MessageBuffer &buffer, MsgPtr message, Tick now, Tick delta,
        [[maybe_unused]] RubySystem *system)
{
#ifdef HOMESHIFT_SEVERAL_PROTOCOLS
    buffer.enqueue(message, now, delta, system->getRandomization(), system->getWarmupEnabled());
#else
    buffer.enqueue(message, now, delta);
#endif
}

inline NetDest
noMachines([[maybe_unused]] RubySystem *system)
{
#ifdef HOMESHIFT_SEVERAL_PROTOCOLS
    return NetDest(system);
#else
    return NetDest();
#endif
}

// How many machines of a type there are.
inline NodeID
count(MachineType type, [[maybe_unused]] RubySystem *system)
{
#ifdef HOMESHIFT_SEVERAL_PROTOCOLS
    return system->MachineType_base_count(type);
#else
    return MachineType_base_count(type);
#endif
}

inline void
initialise([[maybe_unused]] AbstractCacheEntry &entry, [[maybe_unused]] RubySystem *system)
{
#ifdef HOMESHIFT_SEVERAL_PROTOCOLS
    entry.initBlockSize(system->getBlockSizeBytes());
    entry.setRubySystem(system);
#endif
}

} // namespace shim
} // namespace ruby
} // namespace gem5

#endif // HOMESHIFT_GEM5_VERSION_SHIM_HH
