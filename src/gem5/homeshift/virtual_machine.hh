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

    // Returns whether no access is under way any more.
    bool pause();
    void resume(unsigned node);

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
    void remap(const std::vector<uint64_t> &pages, const std::vector<uint64_t> &frames);

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
    void accessDone();

    ::homeshift::Stage2Table table;

  private:
    bool paused() const;

    const bool check;
    bool pausing = false;
    uint64_t lastToken = 0;
    std::string faultText;
    ::homeshift::FlatMap<uint64_t> latest; // by guest line
    std::vector<VirtualCpu *> vcpus;
};

} // namespace gem5

#endif // HOMESHIFT_GEM5_VIRTUAL_MACHINE_HH
