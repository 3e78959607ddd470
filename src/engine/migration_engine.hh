// SPDX-License-Identifier: BSD-3-Clause
//
// A node's migration engine: works off a list of lines to copy and regions to
// transfer, with a bounded number of each under way in the node's DMA.

#ifndef HOMESHIFT_ENGINE_MIGRATION_ENGINE_HH
#define HOMESHIFT_ENGINE_MIGRATION_ENGINE_HH

#include <cstdint>
#include <deque>

#include "engine/types.hh"

namespace homeshift::engine
{

class DMA_Controller;

class MigrationEngine
{
  public:
    MigrationEngine(unsigned outstanding_lines, unsigned outstanding_transfers)
        : line_limit_(outstanding_lines), transfer_limit_(outstanding_transfers)
    {}

    void
    connect(DMA_Controller *dma)
    {
        dma_ = dma;
    }

    // Append to the work; it starts in the current cycle.
    void copy(Addr source, Addr target, std::uint64_t bytes);
    void transfer(Addr region, NodeID new_home);

    bool
    idle() const
    {
        return copies_.empty() && transfers_.empty() && lines_ == 0 && regions_ == 0;
    }

    // The DMA reports.
    void lineCopied(Addr source);
    void regionMoved(Addr region);

    std::uint64_t lines_copied = 0;
    std::uint64_t regions_moved = 0;

    // Set when the last work is done.
    bool *stop_when_idle = nullptr;

  private:
    struct Copy
    {
        Addr source;
        Addr target;
        std::uint64_t bytes;
    };

    struct Transfer
    {
        Addr region;
        NodeID new_home;
    };

    void start_some();
    void finished();

    DMA_Controller *dma_ = nullptr;
    unsigned line_limit_;
    unsigned transfer_limit_;
    unsigned lines_ = 0; // under way
    unsigned regions_ = 0;
    std::deque<Copy> copies_;
    std::deque<Transfer> transfers_;
};

} // namespace homeshift::engine

#endif // HOMESHIFT_ENGINE_MIGRATION_ENGINE_HH
