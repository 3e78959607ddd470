// SPDX-License-Identifier: BSD-3-Clause

#include "engine/migration_engine.hh"

#include <algorithm>

#include "protocol.hh"

namespace homeshift::engine
{

void
MigrationEngine::copy(Addr source, Addr target, std::uint64_t bytes)
{
    copies_.push_back({source, target, bytes});
    start_some();
}

void
MigrationEngine::transfer(Addr region, NodeID new_home, std::optional<NodeID> fenced)
{
    regions_.push_back({region, new_home, fenced});
    start_some();
}

void
MigrationEngine::fence(Addr region, NodeID fenced)
{
    regions_.push_back({region, {}, fenced});
    start_some();
}

void
MigrationEngine::cancel()
{
    copies_.clear();
    regions_.clear();
    for (Addr region : under_way_) {
        auto *command = new CommandMsg;
        command->Type = CommandType_Cancel;
        command->addr = region;
        dma_->enqueue_local(command, DMA_Controller::port_command_in, 1);
    }
}

void
MigrationEngine::start_some()
{
    for (; !copies_.empty() && lines_ < line_limit_; ++lines_) {
        Copy &copy = copies_.front();
        auto *command = new CommandMsg;
        command->Type = CommandType_Copy;
        command->addr = copy.source;
        command->Target = copy.target;
        dma_->enqueue_local(command, DMA_Controller::port_command_in, 1);
        copy.source += kLineBytes;
        copy.target += kLineBytes;
        copy.bytes -= kLineBytes;
        if (copy.bytes == 0) {
            copies_.pop_front();
        }
    }
    while (!regions_.empty() && under_way_.size() < transfer_limit_) {
        const Region next = regions_.front();
        regions_.pop_front();
        under_way_.push_back(next.region);
        auto *command = new CommandMsg;
        command->Type = next.new_home ? CommandType_Transfer : CommandType_Fence;
        command->addr = next.region;
        command->NewHome = next.new_home.value_or(0);
        command->Fence = next.fenced.has_value();
        command->FencedNode = next.fenced.value_or(0);
        dma_->enqueue_local(command, DMA_Controller::port_command_in, 1);
    }
}

void
MigrationEngine::lineCopied(Addr)
{
    --lines_;
    ++lines_copied;
    finished();
}

void
MigrationEngine::lineRefused(Addr)
{
    --lines_;
    ++lines_refused;
    finished();
}

void
MigrationEngine::regionMoved(Addr region)
{
    ++regions_moved;
    region_done(region);
}

void
MigrationEngine::regionKept(Addr region)
{
    ++regions_kept;
    region_done(region);
}

void
MigrationEngine::regionFenced(Addr region)
{
    ++regions_fenced;
    region_done(region);
}

void
MigrationEngine::regionRefused(Addr region)
{
    ++regions_refused;
    region_done(region);
}

void
MigrationEngine::region_done(Addr region)
{
    under_way_.erase(std::find(under_way_.begin(), under_way_.end(), region));
    finished();
}

void
MigrationEngine::finished()
{
    start_some();
    if (idle() && stop_when_idle != nullptr) {
        *stop_when_idle = true;
    }
}

} // namespace homeshift::engine
