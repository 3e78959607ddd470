// SPDX-License-Identifier: BSD-3-Clause

#include "homeshift/virtual_machine.hh"

#include <algorithm>

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

VirtualMachine::VirtualMachine(const Params &p) : SimObject(p), table({}), check(p.check)
{}

void
VirtualMachine::setFrames(const std::vector<uint64_t> &frames)
{
    table = ::homeshift::Stage2Table(frames);
}

bool
VirtualMachine::pause()
{
    DPRINTF(Migration, "pauses\n");
    for (VirtualCpu *vcpu : vcpus) {
        vcpu->stop();
    }
    pausing = !paused();
    return !pausing;
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
VirtualMachine::remap(const std::vector<uint64_t> &pages, const std::vector<uint64_t> &frames)
{
    fatal_if(!paused(), "%s: pages can be remapped while it is paused only", name());
    fatal_if(pages.size() != frames.size(), "%s: as many pages as frames are needed", name());
    for (size_t i = 0; i < pages.size(); ++i) {
        table.set_shadow(pages[i], frames[i]);
    }
    table.commit();
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
VirtualMachine::accessDone()
{
    if (pausing && paused()) {
        pausing = false;
        DPRINTF(Migration, "is paused\n");
        exitSimLoop("the virtual machine is paused");
    }
}

} // namespace gem5
