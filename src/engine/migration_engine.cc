// SPDX-License-Identifier: BSD-3-Clause

#include "engine/migration_engine.hh"

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
MigrationEngine::transfer(Addr region, NodeID new_home)
{
    transfers_.push_back({region, new_home});
    start_some();
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
    for (; !transfers_.empty() && regions_ < transfer_limit_; ++regions_) {
        auto *command = new CommandMsg;
        command->Type = CommandType_Transfer;
        command->addr = transfers_.front().region;
        command->NewHome = transfers_.front().new_home;
        dma_->enqueue_local(command, DMA_Controller::port_command_in, 1);
        transfers_.pop_front();
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
MigrationEngine::regionMoved(Addr)
{
    --regions_;
    ++regions_moved;
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
