// SPDX-License-Identifier: BSD-3-Clause
//
// A vCPU, as its virtual machine sees it: one that replays a request stream (VirtualCpu), or one of
// gem5's own CPUs (GuestPort). It has a port to a core of each node that it may run on.

#ifndef HOMESHIFT_GEM5_GUEST_CPU_HH
#define HOMESHIFT_GEM5_GUEST_CPU_HH

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/statistics.hh"
#include "base/types.hh"
#include "mem/packet.hh"
#include "mem/port.hh"
#include "params/GuestCpu.hh"
#include "sim/clocked_object.hh"

namespace gem5
{

class VirtualMachine;

namespace ruby
{

class HomeTable;

} // namespace ruby

class GuestCpu : public ClockedObject
{
  public:
    PARAMS(GuestCpu);

    Port &getPort(const std::string &name, PortID index) override;

    // Let it run on the core of a node.
    void start(unsigned node);

    // No new accesses from now on; those under way still end.
    virtual void stop() = 0;

    // Whether all have ended.
    virtual bool paused() const = 0;

    // Issue only in the first `awake` of every `slice` cycles.
    virtual void throttle(uint64_t slice, uint64_t awake) = 0;

    // Pages have arrived.
    virtual void look_again() = 0;

    // Another vCPU writes atomically, perhaps where this one has a load-reserved.
    virtual void
    otherWrites(PacketPtr)
    {}

    // Write to guest memory in no time.
    virtual void
    write(Addr, const std::vector<uint8_t> &)
    {}

    // A page will be elsewhere: what was loaded from it, but may not have been yet, loads again.
    virtual void
    forget(uint64_t)
    {}

    virtual bool waits_for_page() const = 0;

    // Whether an access to a guest page is under way.
    virtual bool uses(uint64_t page) const = 0;

    uint64_t accesses() const;
    uint64_t remoteAccesses() const; // those that needed another node
    uint64_t latency() const;        // ticks, summed over accesses

  protected:
    GuestCpu(const Params &p);

    // It may issue from now on.
    virtual void go() = 0;

    // The cycle that has begun. Answers come just after a clock edge: they still belong to it.
    uint64_t
    now() const
    {
        return curTick() / clockPeriod();
    }

    // Whether the answer to an access to a line is that its node has no right to it.
    bool takeFault(Addr line);

    // Whether it took another node.
    bool takeRemote(Addr line);

    VirtualMachine &vm;
    std::vector<std::unique_ptr<RequestPort>> ports; // to the core of each node
    RequestPort *core = nullptr;                     // on which it runs

    struct Stats : public statistics::Group
    {
        Stats(statistics::Group *parent);
        statistics::Scalar numLoads;
        statistics::Scalar numStores;
        statistics::Scalar numRemote;
        statistics::Scalar totalLatency;
        statistics::Scalar blockedTime;
    } stats;

  private:
    const std::vector<ruby::HomeTable *> homeTables;
    const unsigned coreOfNode;
    ruby::HomeTable *homeTable = nullptr; // of the core's node
};

} // namespace gem5

#endif // HOMESHIFT_GEM5_GUEST_CPU_HH
