// SPDX-License-Identifier: BSD-3-Clause

#include "homeshift/virtual_machine.hh"

#include <algorithm>
#include <utility>

#include "base/trace.hh"
#include "common/vcpu_loop.hh"
#include "debug/Migration.hh"
#include "homeshift/end_of_cycle.hh"
#include "homeshift/guest_cpu.hh"
#include "sim/sim_exit.hh"

namespace gem5
{

VirtualMachine::VirtualMachine(const Params &p)
    : SimObject(p),
      GuestMemory(::homeshift::Stage2Table({}), p.check),
      start(p.start),
      stats(*this)
{
    setFrames(p.frames);
}

void
VirtualMachine::setFrames(const std::vector<uint64_t> &frames)
{
    table = ::homeshift::Stage2Table(frames);
    if (keepsPages) {
        keepPages();
    }
}

void
VirtualMachine::keepPages()
{
    keepsPages = true;
    pageOf.clear();
    for (uint64_t page = 0; page < table.pages(); ++page) {
        pageOf[table.frame(page)] = page;
    }
}

bool
VirtualMachine::guestOf(Addr address, Addr &guest) const
{
    const Addr offset = address & (::homeshift::kPageBytes - 1);
    const auto found = pageOf.find(address - offset);
    if (found == pageOf.end()) {
        return false;
    }
    guest = (found->second << ::homeshift::kPageShift) + offset;
    return true;
}

void
VirtualMachine::pause()
{
    DPRINTF(Migration, "pauses\n");
    for (GuestCpu *vcpu : vcpus) {
        vcpu->stop();
    }
    pausing = true;
}

void
VirtualMachine::resume(unsigned node)
{
    DPRINTF(Migration, "runs on node %d\n", node);
    pausing = false;
    for (GuestCpu *vcpu : vcpus) {
        vcpu->start(node);
    }
}

bool
VirtualMachine::paused() const
{
    return std::all_of(vcpus.begin(), vcpus.end(), [](GuestCpu *v) { return v->paused(); });
}

void
VirtualMachine::throttle(uint64_t slice, uint64_t awake)
{
    fatal_if(slice == 0 || awake == 0 || awake > slice,
             "%s: a throttled vCPU is awake for a part of each slice", name());
    DPRINTF(Migration, "runs in %d of %d cycles\n", awake, slice);
    for (GuestCpu *vcpu : vcpus) {
        vcpu->throttle(slice, awake);
    }
}

bool
VirtualMachine::quiet(const Pages &pages) const
{
    return ::homeshift::none_uses(vcpus, pages);
}

void
VirtualMachine::mapPages(const Pages &pages, const Pages &frames)
{
    fatal_if(pages.size() != frames.size(), "%s: as many pages as frames are needed", name());
    for (size_t i = 0; keepsPages && i < pages.size(); ++i) {
        if (table.frame(pages[i]) != frames[i]) {
            for (GuestCpu *vcpu : vcpus) {
                vcpu->forget(pages[i]);
            }
            pageOf.erase(table.frame(pages[i]));
            pageOf[frames[i]] = pages[i];
        }
    }
    map(pages, frames);
    writeLate();
    for (GuestCpu *vcpu : vcpus) {
        vcpu->look_again();
    }
}

void
VirtualMachine::writeLater(Addr guest, const uint8_t *bytes, unsigned size)
{
    late.push_back({guest, {bytes, bytes + size}});
}

// What still may not be written comes later again.
void
VirtualMachine::writeLate()
{
    for (const Written &written : std::exchange(late, {})) {
        vcpus.front()->write(written.guest, written.bytes);
    }
}

void
VirtualMachine::readLate(Addr guest, uint8_t *bytes, unsigned size) const
{
    for (const Written &written : late) {
        for (size_t i = 0; i < written.bytes.size(); ++i) {
            const Addr at = written.guest + i - guest; // wraps around if it is before
            if (at < size) {
                bytes[at] = written.bytes[i];
            }
        }
    }
}

template <typename Get>
static uint64_t
sumOver(const std::vector<GuestCpu *> &vcpus, Get get)
{
    uint64_t sum = 0;
    for (const GuestCpu *vcpu : vcpus) {
        sum += (vcpu->*get)();
    }
    return sum;
}

uint64_t
VirtualMachine::accesses() const
{
    return sumOver(vcpus, &GuestCpu::accesses);
}

uint64_t
VirtualMachine::remoteAccesses() const
{
    return sumOver(vcpus, &GuestCpu::remoteAccesses);
}

uint64_t
VirtualMachine::latency() const
{
    return sumOver(vcpus, &GuestCpu::latency);
}

uint64_t
VirtualMachine::allBlocked() const
{
    const Tick period = clockPeriod();
    return all_blocked(curTick() / period) * period;
}

Tick
VirtualMachine::clockPeriod() const
{
    return vcpus.empty() ? 1 : vcpus.front()->clockPeriod();
}

void
VirtualMachine::resetStats()
{
    SimObject::resetStats();
    reset_blocked();
}

void
VirtualMachine::tellOthers(const GuestCpu &writer, PacketPtr packet)
{
    for (GuestCpu *vcpu : vcpus) {
        if (vcpu != &writer) {
            vcpu->otherWrites(packet);
        }
    }
}

void
VirtualMachine::load(Addr guest, uint64_t token)
{
    if (!is_last(guest, token) && faultText.empty()) {
        faultText = not_the_last(guest, token);
        exitSimLoop("a load returned a wrong value");
    }
}

void
VirtualMachine::accessDone(Addr guest, bool remote)
{
    count_access(guest, remote, curTick() / clockPeriod());
    if (missing(guest >> ::homeshift::kPageShift)) {
        exitAtEndOfCycle("a page is quiet", clockPeriod());
    }
    tellIfPaused();
}

void
VirtualMachine::tellIfPaused()
{
    if (pausing && paused()) {
        pausing = false;
        DPRINTF(Migration, "is paused\n");
        exitAtEndOfCycle("the virtual machine is paused", clockPeriod());
    }
}

void
VirtualMachine::missingPage(uint64_t page, uint64_t cycle)
{
    DPRINTF(Migration, "touches page %d, which has not arrived\n", page);
    fault(page, cycle);
    countBlocked(cycle);
    exitAtEndOfCycle("a page is missing", clockPeriod());
}

void
VirtualMachine::countBlocked(uint64_t cycle)
{
    count_blocked(vcpus, cycle);
}

VirtualMachine::Stats::Stats(VirtualMachine &vm)
    : statistics::Group(&vm),
      ADD_STAT(allBlockedTime, statistics::units::Tick::get(),
               "Time in which all vCPUs waited for pages that had not arrived")
{
    allBlockedTime.functor([&vm] { return vm.allBlocked(); });
}

} // namespace gem5
