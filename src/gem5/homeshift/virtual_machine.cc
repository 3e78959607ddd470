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

} // namespace

VirtualMachine::VirtualMachine(const Params &p) : SimObject(p), table({}), check(p.check), stats(this)
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
    pausing = true;
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

bool
VirtualMachine::paused() const
{
    return std::all_of(vcpus.begin(), vcpus.end(), [](VirtualCpu *v) { return v->paused(); });
}

void
VirtualMachine::throttle(uint64_t slice, uint64_t awake)
{
    fatal_if(slice == 0 || awake == 0 || awake > slice,
             "%s: a throttled vCPU is awake for a part of each slice", name());
    DPRINTF(Migration, "runs in %d of %d cycles\n", awake, slice);
    for (VirtualCpu *vcpu : vcpus) {
        vcpu->throttle(slice, awake);
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
                           [page](VirtualCpu *vcpu) { return vcpu->uses(page); });
    });
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

std::vector<uint64_t>
VirtualMachine::takeFaults()
{
    return std::exchange(faults, {});
}

void
VirtualMachine::sample(uint64_t every, Tick slowerThan)
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

template <typename Get>
static uint64_t
sumOver(const std::vector<VirtualCpu *> &vcpus, Get get)
{
    uint64_t sum = 0;
    for (const VirtualCpu *vcpu : vcpus) {
        sum += (vcpu->*get)();
    }
    return sum;
}

uint64_t
VirtualMachine::accesses() const
{
    return sumOver(vcpus, &VirtualCpu::accesses);
}

uint64_t
VirtualMachine::latency() const
{
    return sumOver(vcpus, &VirtualCpu::latency);
}

uint64_t
VirtualMachine::blocked() const
{
    return sumOver(vcpus, &VirtualCpu::blocked);
}

uint64_t
VirtualMachine::allBlocked() const
{
    const Tick period = vcpus.empty() ? 1 : vcpus.front()->clockPeriod();
    const Tick now = curTick() - curTick() % period;
    const Tick open = everyoneBlocked ? now - everyoneBlockedSince : 0;
    return static_cast<uint64_t>(stats.allBlockedTime.value()) + open;
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
VirtualMachine::accessDone(Addr guest, Tick latency)
{
    const uint64_t page = guest >> ::homeshift::Stage2Table::kPageShift;
    if (sampleEvery != 0 && latency > sampleSlowerThan && ++sampleSeen == sampleEvery) {
        sampleSeen = 0;
        samples.push_back(page);
    }
    if (missing != 0 && table.missing(page)) {
        exitSimLoop("a page is quiet");
    }
    if (pausing && paused()) {
        pausing = false;
        DPRINTF(Migration, "is paused\n");
        exitSimLoop("the virtual machine is paused");
    }
}

void
VirtualMachine::fault(uint64_t page)
{
    DPRINTF(Migration, "touches page %d, which has not arrived\n", page);
    faults.push_back(page);
    exitSimLoop("a page is missing");
}

void
VirtualMachine::countBlocked(Tick now)
{
    const bool all = std::all_of(vcpus.begin(), vcpus.end(),
                                 [](VirtualCpu *vcpu) { return vcpu->waitsForPage(); });
    if (all && !everyoneBlocked) {
        everyoneBlockedSince = now;
    } else if (!all && everyoneBlocked) {
        stats.allBlockedTime += now - everyoneBlockedSince;
    }
    everyoneBlocked = all;
}

VirtualMachine::Stats::Stats(statistics::Group *parent)
    : statistics::Group(parent),
      ADD_STAT(allBlockedTime, statistics::units::Tick::get(),
               "Time in which all vCPUs waited for pages that had not arrived")
{}

} // namespace gem5
