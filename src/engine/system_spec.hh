// SPDX-License-Identifier: BSD-3-Clause
//
// What a machine is made from.

#ifndef HOMESHIFT_ENGINE_SYSTEM_SPEC_HH
#define HOMESHIFT_ENGINE_SYSTEM_SPEC_HH

#include <cstdint>

#include "engine/network.hh"
#include "engine/types.hh"

namespace homeshift::engine
{

struct SystemSpec
{
    Tick clock_period = 0;   // ps
    unsigned pool_nodes = 0; // the last ones, which have no cores
    unsigned cores_per_node = 0;
    unsigned max_outstanding = 0;
    std::uint64_t cache_bytes = 0;
    unsigned cache_associativity = 0;
    Cycles cache_latency = 0;
    std::uint64_t slc_bytes = 0;
    unsigned slc_associativity = 0;
    Cycles slc_latency = 0;
    Cycles home_latency = 0;
    std::uint64_t memory_bytes = 0; // of a node
    Tick memory_latency = 0;        // ps
    Tick line_time = 0;             // ps that a line occupies the memory's bus
    Tick pool_memory_latency = 0;   // of nodes of the pool
    Tick pool_line_time = 0;
    NetworkSpec network;
    unsigned outstanding_lines = 0;
    unsigned outstanding_transfers = 0;
    std::uint64_t region_bytes = 0;
    bool check = false;
    bool run_ahead = true; // cores run ahead through hits: faster, and the same to the tick

    std::uint64_t
    all_memory_bytes() const
    {
        return network.nodes * memory_bytes;
    }
};

// What the machine's parts rely on; the network and the home map look at what is theirs. Throws
// std::invalid_argument; returns the spec.
const SystemSpec &check(const SystemSpec &spec);

// Work that makes no progress for so long never will: far longer than any queue drains. What is
// wrong about links is told by others.
Cycles patience(const SystemSpec &spec);

} // namespace homeshift::engine

#endif // HOMESHIFT_ENGINE_SYSTEM_SPEC_HH
