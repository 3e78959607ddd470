// SPDX-License-Identifier: BSD-3-Clause
//
// A vCPU (common/vcpu_loop.hh) that sends its accesses to the sequencers of cores, one on each node
// that it may run on.

#ifndef HOMESHIFT_GEM5_VIRTUAL_CPU_HH
#define HOMESHIFT_GEM5_VIRTUAL_CPU_HH

#include <deque>

#include "base/statistics.hh"
#include "base/types.hh"
#include "common/vcpu_loop.hh"
#include "homeshift/guest_cpu.hh"
#include "homeshift/virtual_machine.hh"
#include "params/VirtualCpu.hh"
#include "sim/eventq.hh"

namespace gem5
{

class VirtualCpu : public GuestCpu, public ::homeshift::VcpuLoop<VirtualCpu>
{
  public:
    PARAMS(VirtualCpu);
    VirtualCpu(const Params &p);

    void
    stop() override
    {
        VcpuLoop::stop();
    }

    bool
    paused() const override
    {
        return !runs() && drained();
    }

    void
    throttle(uint64_t slice, uint64_t awake) override
    {
        VcpuLoop::throttle(slice, awake);
    }

    void
    look_again() override
    {
        VcpuLoop::look_again();
    }

    bool
    waits_for_page() const override
    {
        return VcpuLoop::waits_for_page();
    }

    bool
    uses(uint64_t page) const override
    {
        return VcpuLoop::uses(page);
    }

    DrainState drain() override;
    void drainResume() override;

  private:
    class CorePort : public RequestPort
    {
      public:
        CorePort(const std::string &name, VirtualCpu &cpu) : RequestPort(name), cpu(cpu)
        {}

      protected:
        bool
        recvTimingResp(PacketPtr packet) override
        {
            cpu.done(packet);
            return true;
        }

        void
        recvReqRetry() override
        {
            cpu.retry();
        }

      private:
        VirtualCpu &cpu;
    };

    friend class ::homeshift::VcpuLoop<VirtualCpu>;

    void
    go() override
    {
        VcpuLoop::go();
    }

    bool
    can_issue() const
    {
        return refused.empty() && drainState() == DrainState::Running;
    }

    void issue(Addr address, bool write);
    void wake_at(uint64_t cycle);

    VirtualMachine &
    memory()
    {
        return vm;
    }

    void missing_page(uint64_t page);
    void blocked_for(uint64_t cycles);
    PacketPtr request(Addr line, bool write);
    void done(PacketPtr packet);
    void retry();

    const RequestorID requestor;
    EventFunctionWrapper wake;
    std::deque<PacketPtr> refused; // by the core, for now
    statistics::Scalar numFaults;
};

} // namespace gem5

#endif // HOMESHIFT_GEM5_VIRTUAL_CPU_HH
