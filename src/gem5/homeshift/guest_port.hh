// SPDX-License-Identifier: BSD-3-Clause
//
// A vCPU that is one of gem5's CPUs: its accesses go to the core of the node that its virtual
// machine runs on, at the addresses where the stage-2 table says that its memory is. In a full
// system those to other addresses go to its devices.

#ifndef HOMESHIFT_GEM5_GUEST_PORT_HH
#define HOMESHIFT_GEM5_GUEST_PORT_HH

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/types.hh"
#include "common/vcpu_loop.hh"
#include "homeshift/guest_cpu.hh"
#include "mem/physical.hh"
#include "params/GuestPort.hh"
#include "sim/eventq.hh"

namespace gem5
{

class GuestPort : public GuestCpu
{
  public:
    PARAMS(GuestPort);
    GuestPort(const Params &p);

    Port &getPort(const std::string &name, PortID index) override;

    void
    stop() override
    {
        running = false;
        endWait();
    }

    void throttle(uint64_t slice, uint64_t awake) override;
    void look_again() override;

    void otherWrites(PacketPtr packet) override;
    void write(Addr guest, const std::vector<uint8_t> &bytes) override;
    void forget(uint64_t page) override;

    bool
    paused() const override
    {
        return !running && underWay == 0;
    }

    bool
    waits_for_page() const override
    {
        return waitsForPage;
    }

    bool
    uses(uint64_t page) const override
    {
        return pages.count(page) != 0;
    }

  private:
    class CpuSide : public ResponsePort
    {
      public:
        CpuSide(const std::string &name, GuestPort &owner) : ResponsePort(name), owner(owner)
        {}

        bool refused = false; // it waits to be told to try again

      protected:
        bool
        recvTimingReq(PacketPtr packet) override
        {
            return owner.request(*this, packet);
        }

        void
        recvRespRetry() override
        {
            owner.retryAnswers();
        }

        void
        recvFunctional(PacketPtr packet) override
        {
            owner.functional(packet);
        }

        Tick
        recvAtomic(PacketPtr packet) override
        {
            return owner.atomic(packet);
        }

        AddrRangeList getAddrRanges() const override;

      private:
        GuestPort &owner;
    };

    class MemSide : public RequestPort
    {
      public:
        MemSide(const std::string &name, GuestPort &owner) : RequestPort(name), owner(owner)
        {}

      protected:
        bool
        recvTimingResp(PacketPtr packet) override
        {
            return owner.answer(*this, packet);
        }

        void
        recvReqRetry() override
        {
            owner.tryAgain();
        }

        void
        recvTimingSnoopReq(PacketPtr packet) override
        {
            owner.snoop(packet);
        }

        // The caches tell of lines that they lose.
        bool
        isSnooping() const override
        {
            return true;
        }

        void
        recvRangeChange() override
        {}

      private:
        GuestPort &owner;
    };

    // Goes with a packet to the core, or to a device, and back.
    struct Access : public Packet::SenderState
    {
        Access(CpuSide &side, Addr guest, Tick issued) : side(side), guest(guest), issued(issued)
        {}

        CpuSide &side;
        const Addr guest; // or none of the memory: a device's
        const Tick issued;
    };

    // The core keeps the line from the first half of a locked access of x86 to the second: it must
    // not be left in between, nor need room for another line. So nothing else is under way then.
    static bool
    beginsLock(const Packet &packet)
    {
        return packet.req->isLockedRMW() && packet.isRead();
    }

    static bool
    endsLock(const Packet &packet)
    {
        return packet.req->isLockedRMW() && packet.isWrite();
    }

    void go() override;
    bool request(CpuSide &side, PacketPtr packet);
    bool answer(MemSide &from, PacketPtr packet);
    Tick atomic(PacketPtr packet);
    void functional(PacketPtr packet);
    void snoop(PacketPtr packet);
    void tell(PacketPtr packet);
    void endWait();
    void tryAgain();
    void retryAnswers();
    Addr placeOf(Addr guest) const;
    bool mayIssue(Addr guest, const Packet &packet);
    void leave(uint64_t page);
    void end(const Access &access, bool write, Addr line);

    const bool speculates;
    memory::PhysicalMemory &memory; // of all nodes
    std::vector<std::unique_ptr<CpuSide>> sides;
    MemSide devices;                // not connected if there are none
    std::vector<MemSide *> refused; // whose answers the CPU did not take
    EventFunctionWrapper wake;
    bool running = false;
    bool locks = false;     // between the halves of a locked access, which is one under way
    bool lockWaits = false; // one was refused, since others are under way
    bool waitsForPage = false;
    uint64_t awaited = 0; // page
    uint64_t blockedSince = 0;
    ::homeshift::Throttle slices;
    unsigned underWay = 0;
    std::unordered_map<uint64_t, unsigned> pages; // accesses under way to each
};

} // namespace gem5

#endif // HOMESHIFT_GEM5_GUEST_PORT_HH
