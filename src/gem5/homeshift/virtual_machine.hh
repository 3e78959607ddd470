// SPDX-License-Identifier: BSD-3-Clause
//
// A virtual machine: vCPUs that replay request streams, and a stage-2 table. It
// knows, if asked to check, the last value of each of its lines in the order in
// which stores happened, and holds every load against it.

#ifndef HOMESHIFT_GEM5_VIRTUAL_MACHINE_HH
#define HOMESHIFT_GEM5_VIRTUAL_MACHINE_HH

#include <string>
#include <vector>

#include "base/types.hh"
#include "common/flat_map.hh"
#include "common/stage2_table.hh"
#include "params/VirtualMachine.hh"
#include "sim/sim_object.hh"

namespace gem5
{

class VirtualCpu;

class VirtualMachine : public SimObject
{
  public:
    PARAMS(VirtualMachine);
    VirtualMachine(const Params &p);

    // ---- for Python, between calls of m5.simulate() ----

    // The physical address of each guest page.
    void setFrames(const std::vector<uint64_t> &frames);

    void pause();
    bool paused() const;

    void resume(unsigned node);

    // Let vCPUs issue in the first `awake` of every `slice` cycles only.
    void throttle(uint64_t slice, uint64_t awake);

    uint64_t accesses() const;

    // What the check found, or "".
    std::string
    fault() const
    {
        return faultText;
    }

    void startDirtyLog();
    std::vector<uint64_t> takeDirtyLog();
    void stopDirtyLog();

    // These pages are in these frames from now on.
    void mapPages(const std::vector<uint64_t> &pages, const std::vector<uint64_t> &frames);

    // Accesses to these pages wait until they are mapped; those under way still end.
    void awaitPages(const std::vector<uint64_t> &pages);
    bool quiet(const std::vector<uint64_t> &pages) const;

    // The awaited pages that were touched since this was last asked, in order.
    std::vector<uint64_t> takeFaults();

    uint64_t latencyTicks() const;
    uint64_t blockedTicks() const;
    uint64_t allBlockedTicks() const;

    // Note the page of every `every`-th access that takes longer than `slowerThan` cycles; 0: none.
    void sample(uint64_t every, uint64_t slowerThan);
    std::vector<uint64_t> takeSamples();

    // ---- for its vCPUs ----

    void
    add(VirtualCpu *vcpu)
    {
        vcpus.push_back(vcpu);
    }

    uint64_t
    newToken()
    {
        return ++lastToken;
    }

    void loaded(Addr guest, uint64_t token);
    void stored(Addr guest, uint64_t token);
    void accessDone(Addr guest, uint64_t latencyCycles);
    void pageFault(uint64_t page);
    void countBlocked();

    ::homeshift::Stage2Table table;

  private:
    const bool check;
    uint64_t missing = 0; // pages
    std::vector<uint64_t> faults;
    bool allBlocked = false;
    Tick allBlockedSince = 0;
    Tick allBlockedTotal = 0;
    uint64_t sampleEvery = 0;
    uint64_t sampleSlowerThan = 0;
    uint64_t sampleSeen = 0;
    std::vector<uint64_t> samples;
    bool pausing = false;
    uint64_t lastToken = 0;
    std::string faultText;
    ::homeshift::FlatMap<uint64_t> latest; // by guest line
    std::vector<VirtualCpu *> vcpus;
};

} // namespace gem5

#endif // HOMESHIFT_GEM5_VIRTUAL_MACHINE_HH
