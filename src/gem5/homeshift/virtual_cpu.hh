// SPDX-License-Identifier: BSD-3-Clause
//
// A closed loop: up to max_outstanding accesses under way, issued in order, each its
// gap after the one before; never two to one line.

#ifndef HOMESHIFT_GEM5_VIRTUAL_CPU_HH
#define HOMESHIFT_GEM5_VIRTUAL_CPU_HH

#include <memory>
#include <string>
#include <vector>

#include "base/statistics.hh"
#include "base/types.hh"
#include "common/access.hh"
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

class VirtualCpu : public ClockedObject
{
  public:
    PARAMS(VirtualCpu);
    VirtualCpu(const Params &p);

    Port &getPort(const std::string &name, PortID index) override;

    // Let it run on the core of a node.
    void start(unsigned node);
    void stop();

    // Issue only in the first `awake` of every `slice` cycles; awake = slice: always.
    void throttle(uint64_t slice, uint64_t awake);

    // A missing page has arrived.
    void lookAgain();

    bool
    paused() const
    {
        return !running && outstanding.empty();
    }

    bool
    waitsForPage() const
    {
        return pageMissing;
    }

    // Whether an access to a guest page is under way.
    bool uses(uint64_t page) const;

    uint64_t accesses() const;
    uint64_t faults() const;
    uint64_t latency() const; // ticks, summed over accesses
    uint64_t blocked() const; // ticks in which it waited for a missing page

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

    struct Outstanding
    {
        Addr line;
        Addr guest;
        uint64_t issued;
    };

    // The cycle that has begun. Answers come just after a clock edge: they still belong to it.
    uint64_t
    now() const
    {
        return curTick() / clockPeriod();
    }

    void issueSome();
    void wakeAt(uint64_t cycle);
    bool asleep();
    bool pageIsHere(uint64_t page);
    bool underWay(Addr line) const;
    PacketPtr request(Addr line, bool write);
    void done(PacketPtr packet);
    void retry();

    VirtualMachine &vm;
    const RequestorID requestor;
    const unsigned maxOutstanding;
    std::unique_ptr<::homeshift::RequestStream> stream;
    std::vector<std::unique_ptr<CorePort>> ports;
    const std::vector<ruby::HomeTable *> homeTables;
    const unsigned coreOfNode;
    EventFunctionWrapper wake;

    CorePort *core = nullptr;
    ruby::HomeTable *homeTable = nullptr; // of the core's node
    bool running = false;
    ::homeshift::Access next{};
    bool haveNext = false;
    bool pageMissing = false;
    uint64_t blockedSince = 0;
    uint64_t readyAt = 0;
    uint64_t slice = 1;
    uint64_t awake = 1;
    PacketPtr refused = nullptr;
    std::vector<Outstanding> outstanding;

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
