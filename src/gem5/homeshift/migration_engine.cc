// SPDX-License-Identifier: BSD-3-Clause

#include "homeshift/migration_engine.hh"

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
MigrationEngine::transfer(const std::vector<Addr> &moved, unsigned newHome)
{
    DPRINTF(Migration, "moves the homes of %d regions to node %d\n", moved.size(), newHome);
    for (Addr region : moved) {
        transfers.push_back({region, newHome});
    }
    startSome();
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

void
MigrationEngine::startSome()
{
    // The cycle that has begun: Python may call between clock edges.
    const Tick now = curTick() - curTick() % clockPeriod();
    for (; !copies.empty() && lines < lineLimit; ++lines) {
        Copy &copy = copies.front();
        commands.enqueue(shim::copyCommand(now, copy.source, copy.target), now, clockPeriod());
        copy.source += lineBytes;
        copy.target += lineBytes;
        copy.bytes -= lineBytes;
        if (copy.bytes == 0) {
            copies.pop_front();
        }
    }
    for (; !transfers.empty() && regions < transferLimit; ++regions) {
        const Transfer &next = transfers.front();
        DPRINTF(HomeTransfer, "asks for the region of %#x to move to node %d\n", next.region,
                next.newHome);
        commands.enqueue(shim::transferCommand(now, next.region, next.newHome), now, clockPeriod());
        transfers.pop_front();
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
    --regions;
    ++stats.regionsMoved;
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
      ADD_STAT(regionsMoved, statistics::units::Count::get(), "Transfers of homes done")
{}

} // namespace ruby
} // namespace gem5
