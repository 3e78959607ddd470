// SPDX-License-Identifier: BSD-3-Clause
//
// Makes the request stream of a vCPU from a StreamSpec:
//
//     std::unique_ptr<RequestStream> stream = make_stream(spec);
//     Access access = stream->next();    // endless, the same for the same spec
//
// The sequence depends on the spec alone. (Zipf uses the C library's exp and log, whose last bit
// may differ between systems; that moves a rank about once in 10^11 draws.)

#ifndef HOMESHIFT_COMMON_REQUEST_STREAM_HH
#define HOMESHIFT_COMMON_REQUEST_STREAM_HH

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>

#include "common/access.hh"
#include "common/footprint.hh"
#include "common/mixed_stream.hh"
#include "common/patterns.hh"
#include "common/stream_spec.hh"
#include "common/trace_reader.hh"

namespace homeshift
{

namespace stream_detail
{

inline void
require(bool fulfilled, const char *sentence)
{
    if (!fulfilled) {
        throw std::invalid_argument(std::string("stream: ") + sentence);
    }
}

inline bool
is_share(double value)
{
    return value >= 0.0 && value <= 1.0;
}

inline void
check(const StreamSpec &spec)
{
    require(spec.vcpus > 0 && spec.vcpu < spec.vcpus, "vcpu is not below vcpus");
    require(spec.vm_bytes >= kPageBytes, "vm_bytes is less than a page");
    require(spec.vm_bytes / kPageBytes <= Scatter::kMostPages, "vm_bytes is 16 TiB or more");
    require(is_share(spec.write_ratio), "write_ratio is not between 0 and 1");
    require(is_share(spec.shared), "shared is not between 0 and 1");
    require(is_share(spec.footprint), "footprint is not between 0 and 1");
    require(is_share(spec.hot), "hot is not between 0 and 1");
    require(is_share(spec.hot_ratio), "hot_ratio is not between 0 and 1");
    require(is_share(spec.exchange), "exchange is not between 0 and 1");
    require(spec.exponent > 0.0 && spec.exponent <= 10.0, "exponent is not above 0, up to 10");
    require(spec.stride > 0, "stride is 0");
    require(spec.phase_accesses > 0, "phase_accesses is 0");
    require(spec.cycles_per_instruction >= 0.0 && spec.cycles_per_instruction <= 1000.0,
            "cycles_per_instruction is not between 0 and 1000");
}

// The same pattern over both parts; `make(part, turn)` makes it, where `turn`, below 1, spreads the
// starting points of the vCPUs over the part that they share.
template <class Make>
std::unique_ptr<RequestStream>
shared_by_all(const StreamSpec &spec, Make make)
{
    using Pattern = decltype(make(Part{}, 0.0));
    const Footprint footprint = Footprint::shared_by_all(spec);
    // An empty part is never drawn from: its chance is 0. Its pattern still needs something to
    // hold.
    const Part common = footprint.common.pages > 0 ? footprint.common : footprint.own;
    const Part own = footprint.own.pages > 0 ? footprint.own : footprint.common;
    const double turn = static_cast<double>(spec.vcpu) / spec.vcpus;
    return std::make_unique<MixedStream<Pattern, Pattern>>(
        spec, footprint,
        typename MixedStream<Pattern, Pattern>::Shares{spec.shared, spec.write_ratio,
                                                       spec.write_ratio},
        make(common, turn), make(own, 0.0));
}

// vCPU 2k writes the ring in order and 2k + 1 reads it, half a ring behind at the start. Nothing
// synchronises them, so the distance drifts.
inline std::unique_ptr<RequestStream>
producer_consumer(const StreamSpec &spec)
{
    require(spec.vcpus % 2 == 0, "producer-consumer needs an even number of vCPUs");
    require(spec.ring > 0 && spec.ring <= spec.vm_bytes, "ring is 0, or larger than the VM");
    using Stream = MixedStream<SequentialPattern, UniformPattern>;
    const Footprint footprint = Footprint::shared_by_pairs(spec);
    const bool producer = spec.vcpu % 2 == 0;
    const std::uint64_t start = producer ? 0 : footprint.common.bytes() / 2;
    return std::make_unique<Stream>(
        spec, footprint, Stream::Shares{spec.exchange, producer ? 1.0 : 0.0, spec.write_ratio},
        SequentialPattern(footprint.common, kLineBytes, start), UniformPattern(footprint.own));
}

} // namespace stream_detail

// Throws std::invalid_argument for a spec that makes no stream, std::runtime_error for a trace file
// that cannot be read.
inline std::unique_ptr<RequestStream>
make_stream(const StreamSpec &spec)
{
    using stream_detail::shared_by_all;
    stream_detail::check(spec);
    const auto line_at = [](Part part, double turn) {
        return static_cast<std::uint64_t>(static_cast<double>(part.lines()) * turn);
    };
    switch (spec.kind) {
        case StreamKind::uniform:
            return shared_by_all(spec, [](Part part, double) { return UniformPattern(part); });
        case StreamKind::zipf:
            return shared_by_all(
                spec, [&](Part part, double) { return ZipfPattern(part, spec.exponent); });
        case StreamKind::stream:
            return shared_by_all(spec, [&](Part part, double turn) {
                return SequentialPattern(part, spec.stride, line_at(part, turn) * kLineBytes);
            });
        case StreamKind::pointer_chase:
            return shared_by_all(spec, [&](Part part, double turn) {
                return ChasePattern(part, line_at(part, turn));
            });
        case StreamKind::phased:
            return shared_by_all(spec, [&](Part part, double) {
                return PhasedPattern(part, spec.phase_accesses, spec.hot, spec.hot_ratio);
            });
        case StreamKind::producer_consumer:
            return stream_detail::producer_consumer(spec);
        case StreamKind::trace:
            return std::make_unique<TraceStream>(read_trace(
                spec.trace_path, spec.trace_base, spec.vm_bytes, spec.cycles_per_instruction));
    }
    throw std::invalid_argument("stream: unknown kind");
}

} // namespace homeshift

#endif // HOMESHIFT_COMMON_REQUEST_STREAM_HH
