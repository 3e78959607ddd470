// SPDX-License-Identifier: BSD-3-Clause
//
// What a request stream is made from: plain data, one field for each parameter that
// homeshift.workload declares (units, bounds and meaning are there, in kinds.py).

#ifndef HOMESHIFT_COMMON_STREAM_SPEC_HH
#define HOMESHIFT_COMMON_STREAM_SPEC_HH

#include <cstdint>
#include <stdexcept>
#include <string>

namespace homeshift
{

enum class StreamKind : std::uint8_t
{
    uniform,
    zipf,
    stream,
    pointer_chase,
    phased,
    producer_consumer,
    trace,
};

struct StreamSpec
{
    StreamKind kind = StreamKind::uniform;
    std::uint32_t vcpu = 0;
    std::uint32_t vcpus = 0;
    std::uint64_t vm_bytes = 0;
    std::uint64_t seed = 0;
    // Common to most kinds.
    double write_ratio = 0.0;
    double shared = 0.0;
    double footprint = 0.0;
    std::uint32_t think = 0;
    // zipf
    double exponent = 0.0;
    // stream
    std::uint64_t stride = 0;
    // phased
    std::uint64_t phase_accesses = 0;
    double hot = 0.0;
    double hot_ratio = 0.0;
    // producer-consumer
    std::uint64_t ring = 0;
    double exchange = 0.0;
    // trace
    double cycles_per_instruction = 0.0;
    std::string trace_path;
    std::uint64_t trace_base = 0;
};

// Calls visit(name, field) for each field, under the name that it has in the dicts that
// homeshift.workload.Workload.streams() makes; a binding fills a spec with it.
template <class Spec, class Visitor>
void
for_each_field(Spec &spec, Visitor &&visit)
{
    visit("kind", spec.kind);
    visit("vcpu", spec.vcpu);
    visit("vcpus", spec.vcpus);
    visit("vm_bytes", spec.vm_bytes);
    visit("seed", spec.seed);
    visit("write_ratio", spec.write_ratio);
    visit("shared", spec.shared);
    visit("footprint", spec.footprint);
    visit("think", spec.think);
    visit("exponent", spec.exponent);
    visit("stride", spec.stride);
    visit("phase_accesses", spec.phase_accesses);
    visit("hot", spec.hot);
    visit("hot_ratio", spec.hot_ratio);
    visit("ring", spec.ring);
    visit("exchange", spec.exchange);
    visit("cycles_per_instruction", spec.cycles_per_instruction);
    visit("trace_path", spec.trace_path);
    visit("trace_base", spec.trace_base);
}

inline StreamKind
stream_kind(const std::string &name)
{
    if (name == "uniform")
        return StreamKind::uniform;
    if (name == "zipf")
        return StreamKind::zipf;
    if (name == "stream")
        return StreamKind::stream;
    if (name == "pointer-chase")
        return StreamKind::pointer_chase;
    if (name == "phased")
        return StreamKind::phased;
    if (name == "producer-consumer")
        return StreamKind::producer_consumer;
    if (name == "trace")
        return StreamKind::trace;
    throw std::invalid_argument("no stream of kind '" + name + "'");
}

} // namespace homeshift

#endif // HOMESHIFT_COMMON_STREAM_SPEC_HH
