// SPDX-License-Identifier: BSD-3-Clause

#include "engine/system_spec.hh"

#include <algorithm>
#include <bit>
#include <stdexcept>
#include <string>

namespace homeshift::engine
{

namespace
{

constexpr Cycles kLongestLatency = Cycles{1} << 40; // cycles, or ps: minutes, or a second

void
require(bool fulfilled, const char *sentence)
{
    if (!fulfilled) {
        throw std::invalid_argument(std::string("machine: ") + sentence);
    }
}

bool
is_cache(std::uint64_t bytes, unsigned associativity)
{
    return associativity > 0 && associativity <= 64 && bytes % (associativity * kLineBytes) == 0 &&
           std::has_single_bit(bytes / (associativity * kLineBytes));
}

} // namespace

const SystemSpec &
check(const SystemSpec &spec)
{
    const NetworkSpec &network = spec.network;
    require(spec.clock_period > 0, "clock_period_ps is 0");
    require(network.nodes > 0 && network.nodes <= kMachines, "nodes is not from 1 to 64");
    require(spec.pool_nodes < network.nodes, "a pool leaves nodes with cores");
    require(spec.cores_per_node > 0 &&
                spec.cores_per_node <= kMachines / (network.nodes - spec.pool_nodes),
            "cores_per_node makes no core, or more than 64 in all");
    require(is_cache(spec.cache_bytes, spec.cache_associativity) &&
                is_cache(spec.slc_bytes, spec.slc_associativity),
            "a cache is not a power of two of sets of 1 to 64 lines");
    require(spec.memory_bytes <= ~Addr{0} / kMachines, "memory_bytes needs more than 64 bits");
    require(spec.region_bytes >= kLineBytes, "region_bytes is less than a line");
    require(
        spec.max_outstanding > 0 && spec.outstanding_lines > 0 && spec.outstanding_transfers > 0,
        "nothing can be under way");
    require(spec.home_latency > 0 && spec.slc_latency > 0,
            "a home and its slice take a cycle at least");
    for (const Cycles latency :
         {spec.cache_latency, spec.slc_latency, spec.home_latency, spec.memory_latency,
          spec.pool_memory_latency, network.router_latency, network.local_latency}) {
        require(latency <= kLongestLatency, "a latency is more than 2^40");
    }
    for (const LinkSpec &link : network.links) {
        require(link.latency <= kLongestLatency, "a latency is more than 2^40");
    }
    return spec;
}

Cycles
patience(const SystemSpec &spec)
{
    const NetworkSpec &network = spec.network;
    Cycles on_link = 0;
    for (const LinkSpec &link : network.links) {
        const double bytes_per_cycle = std::max(0.001, link.bytes_per_cycle);
        const double cycles = message_bytes(MessageSizeType_Data) / bytes_per_cycle;
        on_link = std::max(on_link, link.latency + static_cast<Cycles>(cycles));
    }
    const Tick slowest = std::max(spec.memory_latency + spec.line_time,
                                  spec.pool_memory_latency + spec.pool_line_time);
    const Cycles in_memory = slowest / spec.clock_period;
    const Cycles longest = spec.cache_latency + spec.slc_latency + spec.home_latency + in_memory +
                           network.router_latency + network.local_latency + on_link;
    return 4'000'000 + 1000 * longest;
}

} // namespace homeshift::engine
