// SPDX-License-Identifier: BSD-3-Clause
//
// The only place where messages of the protocol are built in C++. Their constructors
// and namespaces differ between gem5's versions; the rest of the plugin need not know.

#ifndef HOMESHIFT_GEM5_PROTOCOL_SHIM_HH
#define HOMESHIFT_GEM5_PROTOCOL_SHIM_HH

#include <memory>

#include "base/types.hh"
#include "mem/ruby/protocol/CommandMsg.hh"

namespace gem5
{

namespace ruby
{

namespace shim
{

inline MsgPtr
copyCommand(Tick now, Addr source, Addr target)
{
    auto command = std::make_shared<CommandMsg>(now);
    command->m_addr = source;
    command->m_Type = CommandType_Copy;
    command->m_Target = target;
    return command;
}

inline MsgPtr
transferCommand(Tick now, Addr region, NodeID newHome)
{
    auto command = std::make_shared<CommandMsg>(now);
    command->m_addr = region;
    command->m_Type = CommandType_Transfer;
    command->m_Target = 0;
    command->m_NewHome = newHome;
    return command;
}

inline MsgPtr
fenceCommand(Tick now, Addr region, NodeID fencedNode)
{
    auto command = std::make_shared<CommandMsg>(now);
    command->m_addr = region;
    command->m_Type = CommandType_Fence;
    command->m_Target = 0;
    command->m_FencedNode = fencedNode;
    return command;
}

inline MsgPtr
cancelCommand(Tick now, Addr region)
{
    auto command = std::make_shared<CommandMsg>(now);
    command->m_addr = region;
    command->m_Type = CommandType_Cancel;
    command->m_Target = 0;
    return command;
}

} // namespace shim
} // namespace ruby
} // namespace gem5

#endif // HOMESHIFT_GEM5_PROTOCOL_SHIM_HH
