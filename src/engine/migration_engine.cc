// SPDX-License-Identifier: BSD-3-Clause

#include "engine/migration_engine.hh"

#include <utility>

#include "protocol.hh"

namespace homeshift::engine
{

void
MigrationEngine::copy(Job job, unsigned owner, std::vector<JobQueue::Block> blocks,
                      JobQueue::Pace pace)
{
    jobs_.copy(job, owner, std::move(blocks), pace);
    start_some();
}

void
MigrationEngine::transfer(Job job, unsigned owner, std::vector<Addr> regions, NodeID new_home,
                          std::optional<NodeID> fenced)
{
    jobs_.transfer(job, owner, std::move(regions), new_home, fenced);
    start_some();
}

void
MigrationEngine::fence(Job job, unsigned owner, std::vector<Addr> regions, NodeID fenced)
{
    jobs_.transfer(job, owner, std::move(regions), {}, fenced);
    start_some();
}

void
MigrationEngine::cancel(Job job)
{
    jobs_.cancel(job);
    for (Addr region : jobs_.regions(job)) {
        auto *command = new CommandMsg;
        command->Type = CommandType_Cancel;
        command->addr = region;
        dma_->enqueue_local(command, DMA_Controller::port_command_in, 1);
    }
}

void
MigrationEngine::Wake::fire()
{
    scheduled = false;
    engine.start_some();
}

void
MigrationEngine::start_some()
{
    const Tick now = queue_->now() * clock_period_;
    for (JobQueue::Line line; jobs_.begin_line(now, line);) {
        auto *command = new CommandMsg;
        command->Type = CommandType_Copy;
        command->addr = line.source;
        command->Target = line.target;
        dma_->enqueue_local(command, DMA_Controller::port_command_in, 1);
    }
    for (JobQueue::Move move; jobs_.begin_transfer(move);) {
        auto *command = new CommandMsg;
        command->Type = move.new_home ? CommandType_Transfer : CommandType_Fence;
        command->addr = move.region;
        command->NewHome = move.new_home.value_or(0);
        command->Fence = move.fenced.has_value();
        command->FencedNode = move.fenced.value_or(0);
        dma_->enqueue_local(command, DMA_Controller::port_command_in, 1);
    }
    for (unsigned owner = 0; owner < jobs_.owners(); ++owner) {
        if (wakes_.size() <= owner) {
            wakes_.push_back(std::make_unique<Wake>(*this));
        }
        const Tick due = jobs_.due(owner, now);
        if (due != 0 && !wakes_[owner]->scheduled) {
            wakes_[owner]->scheduled = true;
            queue_->schedule(wakes_[owner].get(), (due + clock_period_ - 1) / clock_period_);
        }
    }
}

void
MigrationEngine::lineCopied(Addr source)
{
    ++counts.lines_copied;
    ended(jobs_.end_line(source));
}

void
MigrationEngine::lineRefused(Addr source)
{
    ++counts.lines_refused;
    ended(jobs_.end_line(source));
}

void
MigrationEngine::regionMoved(Addr region)
{
    ++counts.regions_moved;
    ended(jobs_.end_transfer(region));
}

void
MigrationEngine::regionKept(Addr region)
{
    ++counts.regions_kept;
    ended(jobs_.end_transfer(region));
}

void
MigrationEngine::regionFenced(Addr region)
{
    ++counts.regions_fenced;
    ended(jobs_.end_transfer(region));
}

void
MigrationEngine::regionRefused(Addr region)
{
    ++counts.regions_refused;
    ended(jobs_.end_transfer(region));
}

void
MigrationEngine::ended(bool job_done)
{
    start_some();
    if (job_done && stop_when_done != nullptr) {
        *stop_when_done = true;
    }
}

} // namespace homeshift::engine
