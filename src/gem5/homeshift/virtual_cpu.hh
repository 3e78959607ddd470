// SPDX-License-Identifier: BSD-3-Clause
//
// A vCPU (common/vcpu_loop.hh) that sends its accesses to the sequencers of cores, one on each node
// that it may run on.

#ifndef HOMESHIFT_GEM5_VIRTUAL_CPU_HH
#define HOMESHIFT_GEM5_VIRTUAL_CPU_HH

#include <memory>
#include <string>
#include <vector>

#include "base/statistics.hh"
#include "base/types.hh"
#include "common/vcpu_loop.hh"
#include "homeshift/guest_cpu.hh"
#include "mem/packet.hh"
#include "mem/port.hh"
#include "params/VirtualCpu.hh"
#include "sim/clocked_object.hh"
#include "sim/eventq.hh"

namespace gem5
{

class VirtualMachine;

namespace ruby
{

class HomeTable;

} // namespace ruby

class VirtualCpu : public ClockedObject,
                   public GuestCpu,
                   public ::homeshift::VcpuLoop<VirtualCpu>
{
  public:
    PARAMS(VirtualCpu);
    VirtualCpu(const Params &p);

    Port &getPort(const std::string &name, PortID index) override;

    void start(unsigned node) override;

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

    uint64_t accesses() const override;
    uint64_t latency() const override;
    uint64_t blocked() const override;
    uint64_t faults() const;

    Tick
    cycle() const override
    {
        return clockPeriod();
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

    // The cycle that has begun. Answers come just after a clock edge: they still belong to it.
    uint64_t
    now() const
    {
        return curTick() / clockPeriod();
    }

    bool
    can_issue() const
    {
        return refused == nullptr && drainState() == DrainState::Running;
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

    VirtualMachine &vm;
    const RequestorID requestor;
    std::vector<std::unique_ptr<CorePort>> ports;
    const std::vector<ruby::HomeTable *> homeTables;
    const unsigned coreOfNode;
    EventFunctionWrapper wake;

    CorePort *core = nullptr;
    ruby::HomeTable *homeTable = nullptr; // of the core's node
    PacketPtr refused = nullptr;

    struct Stats : public statistics::Group
    {
        Stats(statistics::Group *parent);
        statistics::Scalar numLoads;
        statistics::Scalar numStores;
        statistics::Scalar numFaults;
        statistics::Scalar totalLatency;
        statistics::Scalar blockedTime;
    } stats;
};

} // namespace gem5

#endif // HOMESHIFT_GEM5_VIRTUAL_CPU_HH
