// SPDX-License-Identifier: BSD-3-Clause

#include "homeshift/virtual_cpu.hh"

#include <algorithm>
#include <exception>

#include "base/logging.hh"
#include "common/request_stream.hh"
#include "homeshift/home_table.hh"
#include "homeshift/virtual_machine.hh"
#include "mem/packet_access.hh"
#include "sim/system.hh"

namespace gem5
{

namespace
{

constexpr Addr lineBytes = 64;
constexpr unsigned pageShift = ::homeshift::Stage2Table::kPageShift;

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
    : ClockedObject(p),
      vm(*p.vm),
      requestor(p.system->getRequestorId(this)),
      maxOutstanding(p.max_outstanding),
      stream(makeStream(p)),
      homeTables(p.home_tables),
      coreOfNode(p.core),
      wake([this] { issueSome(); }, name() + ".wake"),
      stats(this)
{
    for (int i = 0; i < p.port_cores_connection_count; ++i) {
        ports.push_back(std::make_unique<CorePort>(csprintf("%s.cores[%d]", name(), i), *this));
    }
    outstanding.reserve(maxOutstanding);
    vm.add(this);
}

Port &
VirtualCpu::getPort(const std::string &port, PortID index)
{
    if (port == "cores") {
        return *ports.at(index);
    }
    return ClockedObject::getPort(port, index);
}

void
VirtualCpu::start(unsigned node)
{
    fatal_if(node >= ports.size(), "%s has no core on node %d", name(), node);
    core = ports[node].get();
    homeTable = homeTables.at(node);
    running = true;
    readyAt = std::max(readyAt, now());
    issueSome();
}

void
VirtualCpu::stop()
{
    running = false;
}

void
VirtualCpu::throttle(uint64_t newSlice, uint64_t newAwake)
{
    slice = newSlice;
    awake = newAwake;
    issueSome();
}

void
VirtualCpu::lookAgain()
{
    if (pageMissing && !vm.table.missing(next.address >> pageShift)) {
        pageMissing = false;
        stats.blockedTime += (now() - blockedSince) * clockPeriod();
        vm.countBlocked(now() * clockPeriod());
        issueSome();
    }
}

bool
VirtualCpu::uses(uint64_t page) const
{
    return std::any_of(outstanding.begin(), outstanding.end(),
                       [page](const Outstanding &o) { return o.guest >> pageShift == page; });
}

uint64_t
VirtualCpu::accesses() const
{
    return stats.numLoads.value() + stats.numStores.value();
}

uint64_t
VirtualCpu::latency() const
{
    return stats.totalLatency.value();
}

uint64_t
VirtualCpu::blocked() const
{
    return stats.blockedTime.value();
}

uint64_t
VirtualCpu::faults() const
{
    return stats.numFaults.value();
}

bool
VirtualCpu::underWay(Addr line) const
{
    return std::any_of(outstanding.begin(), outstanding.end(),
                       [line](const Outstanding &o) { return o.line == line; });
}

void
VirtualCpu::issueSome()
{
    while (running && refused == nullptr && outstanding.size() < maxOutstanding &&
           drainState() == DrainState::Running) {
        if (!haveNext) {
            next = stream->next();
            haveNext = true;
            readyAt = std::max(readyAt, now()) + next.gap_cycles;
        }
        if (readyAt > now()) {
            wakeAt(readyAt);
            return;
        }
        if (asleep() || !pageIsHere(next.address >> pageShift)) {
            return;
        }
        const Addr line = vm.table.translate(next.address) & ~(lineBytes - 1);
        if (underWay(line)) {
            return; // its answer comes back here
        }
        outstanding.push_back({line, next.address, now()});
        haveNext = false;
        readyAt = now() + 1; // one issue a cycle
        PacketPtr packet = request(line, next.write);
        if (!core->sendTimingReq(packet)) {
            refused = packet;
        }
    }
}

void
VirtualCpu::wakeAt(uint64_t cycle)
{
    if (!wake.scheduled()) {
        schedule(wake, cycle * clockPeriod());
    }
}

bool
VirtualCpu::asleep()
{
    const uint64_t intoSlice = now() % slice;
    if (intoSlice < awake) {
        return false;
    }
    wakeAt(now() - intoSlice + slice);
    return true;
}

bool
VirtualCpu::pageIsHere(uint64_t page)
{
    if (!vm.table.missing(page)) {
        return true;
    }
    if (!pageMissing) {
        pageMissing = true;
        blockedSince = now();
        vm.fault(page);
        vm.countBlocked(now() * clockPeriod());
    }
    return false;
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
    if (refused != nullptr && core->sendTimingReq(refused)) {
        refused = nullptr;
        issueSome();
    }
}

void
VirtualCpu::done(PacketPtr packet)
{
    const Addr line = packet->getAddr();
    const auto found = std::find_if(outstanding.begin(), outstanding.end(),
                                    [line](const Outstanding &o) { return o.line == line; });
    panic_if(found == outstanding.end(), "%s: an answer to no request", name());
    const Outstanding access = *found;
    *found = outstanding.back();
    outstanding.pop_back();
    stats.totalLatency += (now() - access.issued) * clockPeriod();
    if (homeTable->takeFault(coreOfNode, line)) {
        ++stats.numFaults; // its node has no right: the packet holds no data
    } else if (packet->isRead()) {
        ++stats.numLoads;
        vm.loaded(access.guest, packet->getLE<uint64_t>());
    } else {
        ++stats.numStores;
        vm.stored(access.guest, packet->getLE<uint64_t>());
    }
    delete packet;
    issueSome();
    vm.accessDone(access.guest, (now() - access.issued) * clockPeriod());
    if (drainState() == DrainState::Draining && outstanding.empty()) {
        signalDrainDone();
    }
}

DrainState
VirtualCpu::drain()
{
    return outstanding.empty() ? DrainState::Drained : DrainState::Draining;
}

void
VirtualCpu::drainResume()
{
    issueSome();
}

VirtualCpu::Stats::Stats(statistics::Group *parent)
    : statistics::Group(parent),
      ADD_STAT(numLoads, statistics::units::Count::get(), "Loads done"),
      ADD_STAT(numStores, statistics::units::Count::get(), "Stores done"),
      ADD_STAT(numFaults, statistics::units::Count::get(), "Accesses that were refused"),
      ADD_STAT(totalLatency, statistics::units::Tick::get(),
               "Time from issue to answer, summed over loads, stores and faults"),
      ADD_STAT(blockedTime, statistics::units::Tick::get(),
               "Time spent waiting for pages that had not arrived")
{}

} // namespace gem5
