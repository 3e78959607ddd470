// SPDX-License-Identifier: BSD-3-Clause

#include "homeshift/migration_engine.hh"

#include "base/intmath.hh"
#include "base/trace.hh"
#include "debug/HomeTransfer.hh"
#include "debug/Migration.hh"
#include "homeshift/end_of_cycle.hh"
#include "homeshift/version_shim.hh"
#include "mem/ruby/network/MessageBuffer.hh"

namespace gem5
{

namespace ruby
{

namespace
{

std::shared_ptr<CommandMsg>
makeCommand(Tick now, RubySystem *system, CommandType type, Addr address)
{
    auto command = shim::makeMessage<CommandMsg>(now, system);
    command->m_Type = type;
    command->m_addr = address;
    command->m_Target = 0;
    return command;
}

} // namespace

MigrationEngine::MigrationEngine(const Params &p)
    : ClockedObject(p),
      system(p.ruby_system),
      commands(*p.commands),
      jobs(p.outstanding_lines, p.outstanding_transfers),
      exitWhenDone(p.exit_when_done),
      stats(this)
{}

void
MigrationEngine::copy(unsigned job, unsigned owner, const std::vector<Addr> &sources,
                      const std::vector<Addr> &targets, uint64_t bytesEach, bool urgent,
                      uint64_t lineInterval)
{
    fatal_if(sources.size() != targets.size(), "%s: as many sources as targets are needed", name());
    fatal_if(bytesEach == 0 || bytesEach % ::homeshift::kLineBytes != 0,
             "%s: whole lines are copied", name());
    DPRINTF(Migration, "job %d: copies %d blocks of %d bytes\n", job, sources.size(), bytesEach);
    std::vector<::homeshift::JobQueue::Block> blocks;
    for (size_t i = 0; i < sources.size(); ++i) {
        blocks.push_back({sources[i], targets[i], bytesEach});
    }
    jobs.copy(job, owner, blocks, {urgent, lineInterval});
    startSome();
}

void
MigrationEngine::transfer(unsigned job, unsigned owner, const std::vector<Addr> &regions,
                          unsigned newHome)
{
    DPRINTF(Migration, "job %d: moves the homes of %d regions to node %d\n", job, regions.size(),
            newHome);
    jobs.transfer(job, owner, regions, newHome, {});
    startSome();
}

void
MigrationEngine::fence(unsigned job, unsigned owner, const std::vector<Addr> &regions,
                       unsigned fenced)
{
    DPRINTF(Migration, "job %d: takes node %d's right to %d regions\n", job, fenced,
            regions.size());
    jobs.transfer(job, owner, regions, {}, fenced);
    startSome();
}

void
MigrationEngine::cancel(unsigned job)
{
    DPRINTF(Migration, "job %d is cancelled\n", job);
    jobs.cancel(job);
    for (Addr region : jobs.regions(job)) {
        give(makeCommand(now(), system, CommandType_Cancel, region));
    }
}

uint64_t
MigrationEngine::regionsMoved() const
{
    return stats.regionsMoved.value();
}

void
MigrationEngine::give(std::shared_ptr<Message> command)
{
    shim::enqueue(commands, command, now(), clockPeriod(), system);
}

void
MigrationEngine::startSome()
{
    for (::homeshift::JobQueue::Line line; jobs.begin_line(now(), line);) {
        auto command = makeCommand(now(), system, CommandType_Copy, line.source);
        command->m_Target = line.target;
        give(command);
    }
    for (::homeshift::JobQueue::Move move; jobs.begin_transfer(move);) {
        if (move.new_home) {
            DPRINTF(HomeTransfer, "asks for the region of %#x to move to node %d\n", move.region,
                    *move.new_home);
            auto command = makeCommand(now(), system, CommandType_Transfer, move.region);
            command->m_NewHome = *move.new_home;
            give(command);
        } else {
            auto command = makeCommand(now(), system, CommandType_Fence, move.region);
            command->m_FencedNode = *move.fenced;
            give(command);
        }
    }
    for (unsigned owner = 0; owner < jobs.owners(); ++owner) {
        if (wakes.size() <= owner) {
            // Before the controllers' events of its cycle: what it asks for is older than theirs.
            wakes.push_back(std::make_unique<EventFunctionWrapper>(
                [this] { startSome(); }, name() + ".wake", false, Event::Default_Pri - 1));
        }
        const Tick due = jobs.due(owner, now());
        if (due != 0 && !wakes[owner]->scheduled()) {
            schedule(*wakes[owner], divCeil(due, clockPeriod()) * clockPeriod());
        }
    }
}

void
MigrationEngine::lineCopied(Addr source)
{
    ++stats.linesCopied;
    ended(jobs.end_line(source));
}

void
MigrationEngine::regionMoved(Addr region)
{
    DPRINTF(HomeTransfer, "the region of %#x has its new home\n", region);
    ++stats.regionsMoved;
    ended(jobs.end_transfer(region));
}

void
MigrationEngine::lineRefused(Addr source)
{
    ++stats.linesRefused;
    ended(jobs.end_line(source));
}

void
MigrationEngine::regionKept(Addr region)
{
    DPRINTF(HomeTransfer, "the region of %#x is kept\n", region);
    ++stats.regionsKept;
    ended(jobs.end_transfer(region));
}

void
MigrationEngine::regionFenced(Addr region)
{
    ++stats.regionsFenced;
    ended(jobs.end_transfer(region));
}

void
MigrationEngine::regionRefused(Addr region)
{
    ++stats.regionsRefused;
    ended(jobs.end_transfer(region));
}

void
MigrationEngine::ended(bool jobDone)
{
    startSome();
    if (jobDone) {
        DPRINTF(Migration, "a job is done\n");
    }
    if (jobDone && exitWhenDone) {
        exitAtEndOfCycle("a job of a migration engine is done", clockPeriod());
    }
    if (jobs.idle() && drainState() == DrainState::Draining) {
        signalDrainDone();
    }
}

DrainState
MigrationEngine::drain()
{
    return jobs.idle() ? DrainState::Drained : DrainState::Draining;
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
