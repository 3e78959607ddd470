// SPDX-License-Identifier: BSD-3-Clause

#include "homeshift/guest_port.hh"

#include <utility>

#include "base/logging.hh"
#include "homeshift/virtual_machine.hh"
#include "sim/system.hh"

namespace gem5
{

GuestPort::GuestPort(const Params &p)
    : GuestCpu(p),
      speculates(p.speculates),
      memory(p.system->getPhysMem()),
      devices(name() + ".devices", *this),
      wake([this] { tryAgain(); }, name() + ".wake")
{
    for (int i = 0; i < p.port_cpu_side_connection_count; ++i) {
        sides.push_back(std::make_unique<CpuSide>(csprintf("%s.cpu_side[%d]", name(), i), *this));
    }
    for (int i = 0; i < p.port_cores_connection_count; ++i) {
        ports.push_back(std::make_unique<MemSide>(csprintf("%s.cores[%d]", name(), i), *this));
    }
    vm.keepPages();
}

Port &
GuestPort::getPort(const std::string &port, PortID index)
{
    if (port == "cpu_side") {
        return *sides.at(index);
    }
    if (port == "devices") {
        return devices;
    }
    return GuestCpu::getPort(port, index);
}

void
GuestPort::go()
{
    running = true;
    vm.writeLate();
    tryAgain();
}

void
GuestPort::throttle(uint64_t slice, uint64_t awake)
{
    slices = {slice, awake};
    tryAgain();
}

void
GuestPort::look_again()
{
    if (waitsForPage && !vm.missing(awaited)) {
        endWait();
        tryAgain();
    }
}

void
GuestPort::endWait()
{
    if (std::exchange(waitsForPage, false)) {
        stats.blockedTime += (now() - blockedSince) * clockPeriod();
        vm.countBlocked(now());
    }
}

// Where an access goes: to memory, or to a device.
Addr
GuestPort::placeOf(Addr guest) const
{
    if (vm.holds(guest)) {
        return vm.table.translate(guest);
    }
    const Addr address = guest + vm.start;
    fatal_if(!devices.isConnected(),
             "%s: the program uses guest address %#x; give the virtual machine more memory", name(),
             address);
    return address;
}

bool
GuestPort::mayIssue(Addr guest, const Packet &packet)
{
    if (locks) {
        fatal_if(beginsLock(packet), "%s: the program locks two lines at once, at guest address %#x",
                 name(), guest);
        return endsLock(packet);
    }
    if (beginsLock(packet) && underWay != 0) {
        lockWaits = true;
        return false;
    }
    if (!running || waitsForPage) {
        return false;
    }
    if (const uint64_t at = slices.awake_from(now()); at > now()) {
        if (!wake.scheduled()) {
            schedule(wake, at * clockPeriod());
        }
        return false;
    }
    const uint64_t page = guest >> ::homeshift::kPageShift;
    if (vm.holds(guest) && vm.missing(page)) {
        waitsForPage = true;
        awaited = page;
        blockedSince = now();
        vm.missingPage(page, now());
        return false;
    }
    return true;
}

bool
GuestPort::request(CpuSide &side, PacketPtr packet)
{
    const Addr address = packet->getAddr();
    const Addr guest = address - vm.start;
    // A path that is not taken may lead to devices, where a fetch could change something.
    const bool nowhere = speculates && packet->req->isInstFetch() && !vm.holds(guest) &&
                         devices.isConnected();
    const Addr place = nowhere ? 0 : placeOf(guest);
    side.refused = !mayIssue(guest, *packet);
    if (side.refused) {
        return false;
    }
    panic_if(!packet->needsResponse(), "%s: an access that ends without an answer", name());
    packet->pushSenderState(new Access(side, guest, curTick()));
    packet->setAddr(place);
    if (!(vm.holds(guest) ? core : &devices)->sendTimingReq(packet)) {
        delete packet->popSenderState();
        packet->setAddr(address);
        side.refused = true;
        return false;
    }
    if (!endsLock(*packet)) {
        ++underWay;
        ++pages[guest >> ::homeshift::kPageShift];
    }
    locks = locks || beginsLock(*packet);
    return true;
}

bool
GuestPort::answer(MemSide &from, PacketPtr packet)
{
    auto *access = dynamic_cast<Access *>(packet->popSenderState());
    panic_if(access == nullptr, "%s: an answer to nothing", name());
    const Addr place = packet->getAddr();
    const Addr line = place & ~(::homeshift::kLineBytes - 1);
    fatal_if(vm.holds(access->guest) && takeFault(line),
             "%s: the program touches memory that its node has lost its right to", name());
    const bool write = packet->isWrite();
    const bool locked = beginsLock(*packet);
    const bool unlocks = endsLock(*packet);
    locks = locks && !unlocks;
    packet->setAddr(access->guest + vm.start);
    if (!access->side.sendTimingResp(packet)) {
        packet->setAddr(place);
        packet->pushSenderState(access);
        refused.push_back(&from);
        return false;
    }
    if (!locked) {
        leave(access->guest >> ::homeshift::kPageShift);
    }
    end(*access, write, line);
    delete access;
    if (unlocks || (lockWaits && underWay == 0)) {
        tryAgain();
    }
    return true;
}

// An access to a page is not under way any more.
void
GuestPort::leave(uint64_t page)
{
    --underWay;
    if (--pages[page] == 0) {
        pages.erase(page);
    }
}

void
GuestPort::end(const Access &access, bool write, Addr line)
{
    if (!vm.holds(access.guest)) {
        vm.tellIfPaused();
        return;
    }
    if (write) {
        ++stats.numStores;
        vm.table.mark_dirty(access.guest);
    } else {
        ++stats.numLoads;
    }
    stats.totalLatency += (now() - access.issued / clockPeriod()) * clockPeriod();
    const bool remote = takeRemote(line);
    stats.numRemote += remote;
    vm.accessDone(access.guest, remote);
}

// As long as nothing is cached, memory holds all that has been written.
Tick
GuestPort::atomic(PacketPtr packet)
{
    const Addr address = packet->getAddr();
    const Addr guest = address - vm.start;
    if (packet->isWrite()) {
        vm.tellOthers(*this, packet);
    }
    const Addr place = placeOf(guest);
    packet->setAddr(place);
    Tick latency = 0;
    if (vm.holds(guest)) {
        packet->req->setPaddr(place); // by which memory notes a load-reserved
        memory.access(packet);
        packet->req->setPaddr(address);
    } else {
        latency = devices.sendAtomic(packet);
    }
    packet->setAddr(address);
    return latency;
}

void
GuestPort::otherWrites(PacketPtr packet)
{
    for (const auto &side : sides) {
        if (side->isSnooping()) {
            side->sendAtomicSnoop(packet);
        }
    }
}

// What system calls and a disk read and write, and the program's image.
void
GuestPort::functional(PacketPtr packet)
{
    const Addr address = packet->getAddr();
    const Addr guest = address - vm.start;
    const bool holds = vm.holds(guest);
    const bool started = core != nullptr;
    if (holds && packet->isWrite() && started &&
        (!running || vm.missing(guest >> ::homeshift::kPageShift))) {
        vm.writeLater(guest, packet->getConstPtr<uint8_t>(), packet->getSize());
        packet->makeResponse();
        return;
    }
    packet->setAddr(placeOf(guest));
    (!holds ? &devices : started ? core : ports.front().get())->sendFunctional(packet);
    packet->setAddr(address);
    if (holds && packet->isWrite()) {
        vm.table.mark_dirty(guest);
    } else if (holds) {
        vm.readLate(guest, packet->getPtr<uint8_t>(), packet->getSize());
    }
}

void
GuestPort::write(Addr guest, const std::vector<uint8_t> &bytes)
{
    const auto request = std::make_shared<Request>(guest + vm.start, bytes.size(), 0,
                                                   Request::funcRequestorId);
    Packet packet(request, MemCmd::WriteReq);
    packet.dataStaticConst(bytes.data());
    functional(&packet);
}

// A cache has lost a line.
void
GuestPort::snoop(PacketPtr packet)
{
    const Addr frame = packet->getAddr();
    Addr guest = 0;
    if (vm.guestOf(frame, guest)) {
        packet->setAddr(guest + vm.start);
        tell(packet);
        packet->setAddr(frame);
    }
}

void
GuestPort::forget(uint64_t page)
{
    const Addr first = vm.start + (page << ::homeshift::kPageShift);
    for (Addr line = first; line != first + ::homeshift::kPageBytes;
         line += ::homeshift::kLineBytes) {
        const auto request = std::make_shared<Request>(line, ::homeshift::kLineBytes, 0,
                                                       Request::funcRequestorId);
        Packet packet(request, MemCmd::InvalidateReq);
        tell(&packet);
    }
}

void
GuestPort::tell(PacketPtr packet)
{
    for (const auto &side : sides) {
        if (side->isSnooping()) {
            side->sendTimingSnoopReq(packet);
        }
    }
}

void
GuestPort::tryAgain()
{
    lockWaits = false;
    for (const auto &side : sides) {
        if (side->refused) {
            side->refused = false;
            side->sendRetryReq();
        }
    }
}

void
GuestPort::retryAnswers()
{
    for (MemSide *port : std::exchange(refused, {})) {
        port->sendRetryResp();
    }
}

AddrRangeList
GuestPort::CpuSide::getAddrRanges() const
{
    return {AddrRange(0, MaxAddr)};
}

} // namespace gem5
