// SPDX-License-Identifier: BSD-3-Clause
//
// The interconnect of small machines, on which only the order of what happens counts.

#ifndef HOMESHIFT_REPLAY_CROSSBAR_HH
#define HOMESHIFT_REPLAY_CROSSBAR_HH

#include "engine/network.hh"

namespace homeshift::engine
{

inline NetworkSpec
small_crossbar(unsigned nodes)
{
    NetworkSpec spec;
    spec.nodes = nodes;
    spec.router_latency = 1;
    spec.local_latency = 1;
    for (unsigned node = 0; node < nodes; ++node) {
        spec.links.push_back({node, nodes, 1, 10, 16}); // to the hub and back
        spec.links.push_back({nodes, node, 1, 10, 16});
    }
    return spec;
}

} // namespace homeshift::engine

#endif // HOMESHIFT_REPLAY_CROSSBAR_HH
