// SPDX-License-Identifier: BSD-3-Clause

#include "homeshift/virtual_machine.hh"

#include <algorithm>
#include <utility>

#include "base/cprintf.hh"
#include "base/trace.hh"
#include "debug/Migration.hh"
#include "homeshift/virtual_cpu.hh"
#include "sim/sim_exit.hh"

namespace gem5
{

namespace
{

constexpr unsigned lineShift = 6;
constexpr unsigned pageShift = ::homeshift::Stage2Table::kPageShift;

} // namespace

VirtualMachine::VirtualMachine(const Params &p) : SimObject(p), table({}), check(p.check)
{}

void
VirtualMachine::setFrames(const std::vector<uint64_t> &frames)
{
    table = ::homeshift::Stage2Table(frames);
}

void
VirtualMachine::pause()
{
    DPRINTF(Migration, "pauses\n");
    for (VirtualCpu *vcpu : vcpus) {
        vcpu->stop();
    }
    pausing = !paused();
}

void
VirtualMachine::resume(unsigned node)
{
    DPRINTF(Migration, "runs on node %d\n", node);
    pausing = false;
    for (VirtualCpu *vcpu : vcpus) {
        vcpu->start(node);
    }
}

void
VirtualMachine::throttle(uint64_t slice, uint64_t awake)
{
    for (VirtualCpu *vcpu : vcpus) {
        vcpu->throttle(slice, awake);
    }
}

bool
VirtualMachine::paused() const
{
    return std::all_of(vcpus.begin(), vcpus.end(), [](VirtualCpu *v) { return v->paused(); });
}

uint64_t
VirtualMachine::accesses() const
{
    uint64_t sum = 0;
    for (const VirtualCpu *vcpu : vcpus) {
        sum += vcpu->accesses();
    }
    return sum;
}

void
VirtualMachine::startDirtyLog()
{
    table.start_log();
}

std::vector<uint64_t>
VirtualMachine::takeDirtyLog()
{
    return table.take_log();
}

void
VirtualMachine::stopDirtyLog()
{
    table.stop_log();
}

void
VirtualMachine::mapPages(const std::vector<uint64_t> &pages, const std::vector<uint64_t> &frames)
{
    fatal_if(pages.size() != frames.size(), "%s: as many pages as frames are needed", name());
    for (size_t i = 0; i < pages.size(); ++i) {
        missing -= table.map(pages[i], frames[i]) ? 1 : 0;
    }
    for (VirtualCpu *vcpu : vcpus) {
        vcpu->lookAgain();
    }
}

void
VirtualMachine::awaitPages(const std::vector<uint64_t> &pages)
{
    for (uint64_t page : pages) {
        missing += table.set_missing(page) ? 1 : 0;
    }
}

bool
VirtualMachine::quiet(const std::vector<uint64_t> &pages) const
{
    return std::none_of(pages.begin(), pages.end(), [this](uint64_t page) {
        return std::any_of(vcpus.begin(), vcpus.end(),
                           [page](const VirtualCpu *vcpu) { return vcpu->uses(page); });
    });
}

void
VirtualMachine::pageFault(uint64_t page)
{
    faults.push_back(page);
    exitSimLoop("a page is missing");
}

std::vector<uint64_t>
VirtualMachine::takeFaults()
{
    return std::exchange(faults, {});
}

void
VirtualMachine::countBlocked()
{
    const bool all = std::all_of(vcpus.begin(), vcpus.end(),
                                 [](const VirtualCpu *vcpu) { return vcpu->waitsForPage(); });
    if (all && !allBlocked) {
        allBlockedSince = curTick();
    } else if (!all && allBlocked) {
        allBlockedTotal += curTick() - allBlockedSince;
    }
    allBlocked = all;
}

uint64_t
VirtualMachine::latencyTicks() const
{
    uint64_t sum = 0;
    for (const VirtualCpu *vcpu : vcpus) {
        sum += vcpu->latencyTicks();
    }
    return sum;
}

uint64_t
VirtualMachine::blockedTicks() const
{
    uint64_t sum = 0;
    for (const VirtualCpu *vcpu : vcpus) {
        sum += vcpu->blockedTicks();
    }
    return sum;
}

uint64_t
VirtualMachine::allBlockedTicks() const
{
    return allBlockedTotal + (allBlocked ? curTick() - allBlockedSince : 0);
}

void
VirtualMachine::sample(uint64_t every, uint64_t slowerThan)
{
    sampleEvery = every;
    sampleSlowerThan = slowerThan;
    sampleSeen = 0;
    samples.clear();
}

std::vector<uint64_t>
VirtualMachine::takeSamples()
{
    return std::exchange(samples, {});
}

void
VirtualMachine::loaded(Addr guest, uint64_t token)
{
    if (!check) {
        return;
    }
    const uint64_t *stored = latest.find(guest >> lineShift);
    const uint64_t expected = stored ? *stored : 0;
    if (token != expected && faultText.empty()) {
        faultText = csprintf(
            "a load of guest address %#x returned store %d of the VM, but the "
            "last one to this line was store %d (0: none)",
            guest, token, expected);
        exitSimLoop("a load returned a wrong value");
    }
}

void
VirtualMachine::stored(Addr guest, uint64_t token)
{
    table.mark_dirty(guest);
    if (check) {
        latest.set(guest >> lineShift, token);
    }
}

void
VirtualMachine::accessDone(Addr guest, uint64_t latencyCycles)
{
    if (sampleEvery != 0 && latencyCycles > sampleSlowerThan && ++sampleSeen == sampleEvery) {
        sampleSeen = 0;
        samples.push_back(guest >> pageShift);
    }
    if (missing != 0 && table.missing(guest >> pageShift)) {
        exitSimLoop("a page is quiet");
    }
    if (pausing && paused()) {
        pausing = false;
        DPRINTF(Migration, "is paused\n");
        exitSimLoop("a virtual machine is paused");
    }
}

} // namespace gem5
