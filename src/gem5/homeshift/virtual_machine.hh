// SPDX-License-Identifier: BSD-3-Clause
//
// A virtual machine: vCPUs that replay request streams, and its memory
// (common/guest_memory.hh), for the cores of gem5.

#ifndef HOMESHIFT_GEM5_VIRTUAL_MACHINE_HH
#define HOMESHIFT_GEM5_VIRTUAL_MACHINE_HH

#include <string>
#include <unordered_map>
#include <vector>

#include "base/statistics.hh"
#include "base/types.hh"
#include "common/guest_memory.hh"
#include "mem/packet.hh"
#include "params/VirtualMachine.hh"
#include "sim/sim_object.hh"

namespace gem5
{

class GuestCpu;

class VirtualMachine : public SimObject, public ::homeshift::GuestMemory
{
  public:
    PARAMS(VirtualMachine);
    VirtualMachine(const Params &p);

    // ---- for Python, between calls of m5.simulate() ----

    // The physical address of each guest page.
    void setFrames(const std::vector<uint64_t> &frames);

    void pause();
    void resume(unsigned node);

    // Whether no access is under way after a pause.
    bool paused() const;

    // vCPUs issue only in the first `awake` of every `slice` cycles.
    void throttle(uint64_t slice, uint64_t awake);

    // No access to these pages from now on, until they are mapped; those under way still end.
    void
    awaitPages(const Pages &pages)
    {
        await(pages);
    }

    bool quiet(const Pages &pages) const;
    void mapPages(const Pages &pages, const Pages &frames);

    void
    startDirtyLog()
    {
        table.start_log();
    }

    Pages
    takeDirtyLog()
    {
        return table.take_log();
    }

    void
    stopDirtyLog()
    {
        table.stop_log();
    }

    // Summed over vCPUs: accesses done, those of them that needed another node, ticks from issue to
    // answer.
    uint64_t accesses() const;
    uint64_t remoteAccesses() const;
    uint64_t latency() const;

    // Ticks in which all vCPUs were blocked.
    uint64_t allBlocked() const;

    // What the check found, or "".
    std::string
    checkFault() const
    {
        return faultText;
    }

    // ---- for its vCPUs ----

    // Where its memory begins for its CPUs. Guest addresses everywhere else are offsets into it.
    const Addr start;

    // Whether it has memory at a guest address.
    bool
    holds(Addr guest) const
    {
        return guest >> ::homeshift::kPageShift < table.pages();
    }

    // From now on, know where in the guest's memory a frame is.
    void keepPages();

    // Which guest address a physical one is; false if it is none.
    bool guestOf(Addr address, Addr &guest) const;

    void
    add(GuestCpu *vcpu)
    {
        vcpus.push_back(vcpu);
    }

    // What cannot wait, a device or a system call, writes to a missing page, or while the machine is
    // paused: it is written when it may be. Until then such reads ask for it as well.
    void writeLater(Addr guest, const uint8_t *bytes, unsigned size);
    void writeLate();
    void readLate(Addr guest, uint8_t *bytes, unsigned size) const;

    // A vCPU writes atomically.
    void tellOthers(const GuestCpu &writer, PacketPtr packet);

    uint64_t
    newToken()
    {
        return ++lastToken;
    }

    void load(Addr guest, uint64_t token);
    void accessDone(Addr guest, bool remote);
    void tellIfPaused();
    void missingPage(uint64_t page, uint64_t cycle);
    void countBlocked(uint64_t cycle);

    void resetStats() override;

  private:
    Tick clockPeriod() const; // its vCPUs'

    struct Written
    {
        Addr guest;
        std::vector<uint8_t> bytes;
    };

    bool pausing = false;
    std::vector<Written> late; // what is to be, in order
    uint64_t lastToken = 0;
    std::string faultText;
    std::vector<GuestCpu *> vcpus;
    bool keepsPages = false;
    std::unordered_map<Addr, uint64_t> pageOf; // by the address of its frame, if it keeps them

    struct Stats : public statistics::Group
    {
        Stats(VirtualMachine &vm);
        statistics::Value allBlockedTime;
    } stats;
};

} // namespace gem5

#endif // HOMESHIFT_GEM5_VIRTUAL_MACHINE_HH
