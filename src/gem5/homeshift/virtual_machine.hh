// SPDX-License-Identifier: BSD-3-Clause
//
// A virtual machine: vCPUs that replay request streams, and a stage-2 table. It
// knows, if asked to check, the last value of each of its lines in the order in
// which stores happened, and holds every load against it.

#ifndef HOMESHIFT_GEM5_VIRTUAL_MACHINE_HH
#define HOMESHIFT_GEM5_VIRTUAL_MACHINE_HH

#include <string>
#include <vector>

#include "base/statistics.hh"
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
    void resume(unsigned node);

    // Whether no access is under way after a pause.
    bool paused() const;

    // vCPUs issue only in the first `awake` of every `slice` cycles.
    void throttle(uint64_t slice, uint64_t awake);

    // No access to these pages from now on, until they are mapped; those under way still end.
    void awaitPages(const std::vector<uint64_t> &pages);
    bool quiet(const std::vector<uint64_t> &pages) const;
    void mapPages(const std::vector<uint64_t> &pages, const std::vector<uint64_t> &frames);

    // The awaited pages that were touched since this was last asked, in order.
    std::vector<uint64_t> takeFaults();

    // Note the page of every `every`-th access that takes longer than `slowerThan` ticks; 0: none.
    void sample(uint64_t every, Tick slowerThan);
    std::vector<uint64_t> takeSamples();

    void startDirtyLog();
    std::vector<uint64_t> takeDirtyLog();
    void stopDirtyLog();

    // Summed over vCPUs: accesses done, ticks from issue to answer, ticks blocked by missing pages.
    uint64_t accesses() const;
    uint64_t latency() const;
    uint64_t blocked() const;

    // Ticks in which all vCPUs were blocked.
    uint64_t allBlocked() const;

    // What the check found, or "".
    std::string
    checkFault() const
    {
        return faultText;
    }

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
    void accessDone(Addr guest, Tick latency);
    void fault(uint64_t page);
    void countBlocked(Tick now);

    ::homeshift::Stage2Table table;

  private:
    const bool check;
    bool pausing = false;
    uint64_t lastToken = 0;
    std::string faultText;
    ::homeshift::FlatMap<uint64_t> latest; // by guest line
    std::vector<VirtualCpu *> vcpus;

    uint64_t missing = 0;
    std::vector<uint64_t> faults;
    bool everyoneBlocked = false;
    Tick everyoneBlockedSince = 0;

    uint64_t sampleEvery = 0;
    Tick sampleSlowerThan = 0;
    uint64_t sampleSeen = 0;
    std::vector<uint64_t> samples;

    struct Stats : public statistics::Group
    {
        Stats(statistics::Group *parent);
        statistics::Scalar allBlockedTime;
    } stats;
};

} // namespace gem5

#endif // HOMESHIFT_GEM5_VIRTUAL_MACHINE_HH
