// SPDX-License-Identifier: BSD-3-Clause

#include "homeshift/migration_engine.hh"

#include <algorithm>

#include "base/trace.hh"
#include "debug/HomeTransfer.hh"
#include "debug/Migration.hh"
#include "homeshift/protocol_shim.hh"
#include "mem/ruby/network/MessageBuffer.hh"
#include "sim/sim_exit.hh"

namespace gem5
{

namespace ruby
{

namespace
{

constexpr Addr lineBytes = 64;

} // namespace

MigrationEngine::MigrationEngine(const Params &p)
    : ClockedObject(p),
      commands(*p.commands),
      lineLimit(p.outstanding_lines),
      transferLimit(p.outstanding_transfers),
      stats(this)
{}

void
MigrationEngine::copy(const std::vector<Addr> &sources, const std::vector<Addr> &targets,
                      uint64_t bytesEach)
{
    fatal_if(sources.size() != targets.size(), "%s: as many sources as targets are needed", name());
    fatal_if(bytesEach == 0 || bytesEach % lineBytes != 0, "%s: whole lines are copied", name());
    DPRINTF(Migration, "copies %d blocks of %d bytes\n", sources.size(), bytesEach);
    for (size_t i = 0; i < sources.size(); ++i) {
        copies.push_back({sources[i], targets[i], bytesEach});
    }
    startSome();
}

void
MigrationEngine::transfer(const std::vector<Addr> &moved, unsigned newHome, int fenced)
{
    DPRINTF(Migration, "moves the homes of %d regions to node %d\n", moved.size(), newHome);
    for (Addr region : moved) {
        regions.push_back({region, static_cast<int>(newHome), fenced});
    }
    startSome();
}

void
MigrationEngine::fence(const std::vector<Addr> &guarded, unsigned fenced)
{
    DPRINTF(Migration, "takes node %d's right to %d regions\n", fenced, guarded.size());
    for (Addr region : guarded) {
        regions.push_back({region, -1, static_cast<int>(fenced)});
    }
    startSome();
}

void
MigrationEngine::cancel()
{
    DPRINTF(Migration, "takes back %d regions and forgets %d\n", underWay.size(), regions.size());
    copies.clear();
    regions.clear();
    for (Addr region : underWay) {
        commands.enqueue(shim::cancelCommand(now(), region), now(), clockPeriod());
    }
}

bool
MigrationEngine::exitWhenIdle()
{
    exitAtEnd = !idle();
    return idle();
}

uint64_t
MigrationEngine::linesCopied() const
{
    return stats.linesCopied.value();
}

uint64_t
MigrationEngine::regionsMoved() const
{
    return stats.regionsMoved.value();
}

uint64_t
MigrationEngine::regionsKept() const
{
    return stats.regionsKept.value();
}

void
MigrationEngine::startSome()
{
    for (; !copies.empty() && lines < lineLimit; ++lines) {
        Copy &copy = copies.front();
        commands.enqueue(shim::copyCommand(now(), copy.source, copy.target), now(), clockPeriod());
        copy.source += lineBytes;
        copy.target += lineBytes;
        copy.bytes -= lineBytes;
        if (copy.bytes == 0) {
            copies.pop_front();
        }
    }
    while (!regions.empty() && underWay.size() < transferLimit) {
        const Region next = regions.front();
        regions.pop_front();
        underWay.push_back(next.region);
        if (next.newHome < 0) {
            commands.enqueue(shim::fenceCommand(now(), next.region, next.fenced), now(),
                             clockPeriod());
            continue;
        }
        DPRINTF(HomeTransfer, "asks for the region of %#x to move to node %d\n", next.region,
                next.newHome);
        commands.enqueue(shim::transferCommand(now(), next.region, next.newHome, next.fenced),
                         now(), clockPeriod());
    }
}

void
MigrationEngine::lineCopied(Addr)
{
    --lines;
    ++stats.linesCopied;
    finished();
}

void
MigrationEngine::regionMoved(Addr region)
{
    DPRINTF(HomeTransfer, "the region of %#x has its new home\n", region);
    ++stats.regionsMoved;
    regionDone(region);
}

void
MigrationEngine::lineRefused(Addr)
{
    --lines;
    ++stats.linesRefused;
    finished();
}

void
MigrationEngine::regionKept(Addr region)
{
    DPRINTF(HomeTransfer, "the region of %#x is kept\n", region);
    ++stats.regionsKept;
    regionDone(region);
}

void
MigrationEngine::regionFenced(Addr region)
{
    ++stats.regionsFenced;
    regionDone(region);
}

void
MigrationEngine::regionRefused(Addr region)
{
    ++stats.regionsRefused;
    regionDone(region);
}

void
MigrationEngine::regionDone(Addr region)
{
    underWay.erase(std::find(underWay.begin(), underWay.end(), region));
    finished();
}

void
MigrationEngine::finished()
{
    startSome();
    if (!idle()) {
        return;
    }
    DPRINTF(Migration, "has done its work\n");
    if (exitAtEnd) {
        exitAtEnd = false;
        exitSimLoop("the migration engine is idle");
    }
    if (drainState() == DrainState::Draining) {
        signalDrainDone();
    }
}

DrainState
MigrationEngine::drain()
{
    return idle() ? DrainState::Drained : DrainState::Draining;
}

MigrationEngine::Stats::Stats(statistics::Group *parent)
    : statistics::Group(parent),
      ADD_STAT(linesCopied, statistics::units::Count::get(), "Lines copied"),
      ADD_STAT(linesRefused, statistics::units::Count::get(), "Lines that were not to be copied"),
      ADD_STAT(regionsMoved, statistics::units::Count::get(), "Transfers of homes done"),
      ADD_STAT(regionsKept, statistics::units::Count::get(), "Transfers of homes cancelled in time"),
      ADD_STAT(regionsFenced, statistics::units::Count::get(), "Rights to regions taken"),
      ADD_STAT(regionsRefused, statistics::units::Count::get(), "Transfers and fences refused")
{}

} // namespace ruby
} // namespace gem5
