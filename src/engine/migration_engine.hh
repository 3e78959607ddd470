// SPDX-License-Identifier: BSD-3-Clause
//
// A node's migration engine: works off a list of lines to copy and regions to
// transfer or to fence, with a bounded number of each under way in the node's DMA.

#ifndef HOMESHIFT_ENGINE_MIGRATION_ENGINE_HH
#define HOMESHIFT_ENGINE_MIGRATION_ENGINE_HH

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

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
    // fenced: a node that loses its right with the transfer.
    void transfer(Addr region, NodeID new_home, std::optional<NodeID> fenced = {});
    void fence(Addr region, NodeID fenced);

    // Forget the work that has not begun, let lines under way end, take regions under way back.
    void cancel();

    bool
    idle() const
    {
        return copies_.empty() && regions_.empty() && lines_ == 0 && under_way_.empty();
    }

    // The DMA reports.
    void lineCopied(Addr source);
    void lineRefused(Addr address);
    void regionMoved(Addr region);
    void regionKept(Addr region);
    void regionFenced(Addr region);
    void regionRefused(Addr region);

    std::uint64_t lines_copied = 0;
    std::uint64_t lines_refused = 0;
    std::uint64_t regions_moved = 0;
    std::uint64_t regions_kept = 0; // transfers cancelled in time
    std::uint64_t regions_fenced = 0;
    std::uint64_t regions_refused = 0;

    // Set when the last work is done.
    bool *stop_when_idle = nullptr;

  private:
    struct Copy
    {
        Addr source;
        Addr target;
        std::uint64_t bytes;
    };

    struct Region
    {
        Addr region;
        std::optional<NodeID> new_home; // none: it only gets a fence
        std::optional<NodeID> fenced;
    };

    void start_some();
    void region_done(Addr region);
    void finished();

    DMA_Controller *dma_ = nullptr;
    unsigned line_limit_;
    unsigned transfer_limit_;
    unsigned lines_ = 0;          // under way
    std::vector<Addr> under_way_; // regions
    std::deque<Copy> copies_;
    std::deque<Region> regions_;
};

} // namespace homeshift::engine

#endif // HOMESHIFT_ENGINE_MIGRATION_ENGINE_HH
