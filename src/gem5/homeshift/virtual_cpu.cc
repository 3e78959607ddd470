// SPDX-License-Identifier: BSD-3-Clause

#include "homeshift/virtual_cpu.hh"

#include <exception>
#include <memory>

#include "base/logging.hh"
#include "common/request_stream.hh"
#include "mem/packet_access.hh"
#include "sim/system.hh"

namespace gem5
{

namespace
{

std::unique_ptr<::homeshift::RequestStream>
makeStream(const VirtualCpuParams &p)
{
    try {
        ::homeshift::StreamSpec spec;
        spec.kind = ::homeshift::stream_kind(p.kind);
        spec.vcpu = p.vcpu;
        spec.vcpus = p.vcpus;
        spec.vm_bytes = p.vm_bytes;
        spec.seed = p.seed;
        spec.write_ratio = p.write_ratio;
        spec.shared = p.shared;
        spec.footprint = p.footprint;
        spec.think = p.think;
        spec.exponent = p.exponent;
        spec.stride = p.stride;
        spec.phase_accesses = p.phase_accesses;
        spec.hot = p.hot;
        spec.hot_ratio = p.hot_ratio;
        spec.ring = p.ring;
        spec.exchange = p.exchange;
        spec.cycles_per_instruction = p.cycles_per_instruction;
        spec.trace_path = p.trace_path;
        spec.trace_base = p.trace_base;
        return ::homeshift::make_stream(spec);
    } catch (const std::exception &error) {
        fatal("%s: %s", p.name, error.what());
    }
}

} // namespace

VirtualCpu::VirtualCpu(const Params &p)
    : GuestCpu(p),
      VcpuLoop(makeStream(p), p.max_outstanding),
      requestor(p.system->getRequestorId(this)),
      wake([this] { issue_some(); }, name() + ".wake"),
      ADD_STAT(numFaults, statistics::units::Count::get(), "Accesses that were refused")
{
    for (int i = 0; i < p.port_cores_connection_count; ++i) {
        ports.push_back(std::make_unique<CorePort>(csprintf("%s.cores[%d]", name(), i), *this));
    }
}

void
VirtualCpu::issue(Addr address, bool write)
{
    PacketPtr packet = request(address & ~(::homeshift::kLineBytes - 1), write);
    if (!refused.empty() || !core->sendTimingReq(packet)) {
        refused.push_back(packet);
    }
}

void
VirtualCpu::wake_at(uint64_t cycle)
{
    const Tick when = cycle * clockPeriod();
    if (!wake.scheduled() || when < wake.when()) {
        reschedule(wake, when, true);
    }
}

void
VirtualCpu::missing_page(uint64_t page)
{
    vm.missingPage(page, now());
}

void
VirtualCpu::blocked_for(uint64_t cycles)
{
    stats.blockedTime += cycles * clockPeriod();
    vm.countBlocked(now());
}

// An access is of eight bytes at the start of its line: there the machine keeps the number of the
// last store, by which loads are checked.
PacketPtr
VirtualCpu::request(Addr line, bool write)
{
    auto request = std::make_shared<Request>(line, sizeof(uint64_t), 0, requestor);
    PacketPtr packet = write ? Packet::createWrite(request) : Packet::createRead(request);
    packet->allocate();
    if (write) {
        packet->setLE<uint64_t>(vm.newToken());
    }
    return packet;
}

void
VirtualCpu::retry()
{
    while (!refused.empty() && core->sendTimingReq(refused.front())) {
        refused.pop_front();
    }
    if (refused.empty()) {
        issue_some();
    }
}

void
VirtualCpu::done(PacketPtr packet)
{
    const Addr line = packet->getAddr();
    const bool fault = takeFault(line);
    const bool remote = takeRemote(line) && !fault;
    // Stores that have joined this one are one write to memory, with the number of the first.
    const uint64_t token = fault ? 0 : packet->getLE<uint64_t>();
    delete packet;
    const Done done = take(line, [&](const Issued &access) {
        if (fault) {
            ++numFaults; // its node has no right: there was no data
        } else if (access.write) {
            ++stats.numStores;
            vm.stored(access.guest, token);
        } else {
            ++stats.numLoads;
            vm.load(access.guest, token);
        }
    });
    stats.numRemote += remote; // the first: the others needed no other node
    stats.totalLatency += done.latency * clockPeriod();
    issue_some();
    vm.accessDone(done.guest, remote);
    if (drainState() == DrainState::Draining && drained()) {
        signalDrainDone();
    }
}

DrainState
VirtualCpu::drain()
{
    return drained() ? DrainState::Drained : DrainState::Draining;
}

void
VirtualCpu::drainResume()
{
    issue_some();
}

} // namespace gem5
