// SPDX-License-Identifier: BSD-3-Clause
//
// A node's migration engine: gives the lines and regions of its jobs to the node's DMA.

#ifndef HOMESHIFT_ENGINE_MIGRATION_ENGINE_HH
#define HOMESHIFT_ENGINE_MIGRATION_ENGINE_HH

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "common/job_queue.hh"
#include "engine/event_queue.hh"
#include "engine/types.hh"

namespace homeshift::engine
{

class DMA_Controller;

class MigrationEngine
{
  public:
    // Lines and regions that have ended, by how they did.
    struct Counts
    {
        std::uint64_t lines_copied = 0;
        std::uint64_t lines_refused = 0;
        std::uint64_t regions_moved = 0;
        std::uint64_t regions_kept = 0; // transfers cancelled in time
        std::uint64_t regions_fenced = 0;
        std::uint64_t regions_refused = 0;

        std::uint64_t
        sum() const
        {
            return lines_copied + lines_refused + regions_moved + regions_kept + regions_fenced +
                   regions_refused;
        }
    };

    MigrationEngine(unsigned outstanding_lines, unsigned outstanding_transfers)
        : jobs_(outstanding_lines, outstanding_transfers)
    {}

    void
    connect(DMA_Controller *dma, EventQueue *queue, Tick clock_period)
    {
        dma_ = dma;
        queue_ = queue;
        clock_period_ = clock_period;
    }

    // A job starts in the current cycle.
    void copy(Job job, unsigned owner, std::vector<JobQueue::Block> blocks, JobQueue::Pace pace);
    // fenced: a node that loses its right with the transfer.
    void transfer(Job job, unsigned owner, std::vector<Addr> regions, NodeID new_home,
                  std::optional<NodeID> fenced);
    void fence(Job job, unsigned owner, std::vector<Addr> regions, NodeID fenced);

    // Forget what has not begun, let lines under way end, take regions under way back.
    void cancel(Job job);

    // Lines or regions of a job that have not ended.
    std::uint64_t
    left(Job job) const
    {
        return jobs_.left(job);
    }

    // The DMA reports.
    void lineCopied(Addr source);
    void lineRefused(Addr source);
    void regionMoved(Addr region);
    void regionKept(Addr region);
    void regionFenced(Addr region);
    void regionRefused(Addr region);

    Counts counts;

    // Set whenever a job is done.
    bool *stop_when_done = nullptr;

  private:
    // Looks at an owner's paced copies again when they are due.
    struct Wake final : public Event
    {
        explicit Wake(MigrationEngine &engine) : engine(engine)
        {}

        void fire() override;

        MigrationEngine &engine;
        bool scheduled = false;
    };

    void start_some();
    void ended(bool job_done);

    DMA_Controller *dma_ = nullptr;
    EventQueue *queue_ = nullptr;
    Tick clock_period_ = 1;
    JobQueue jobs_;
    std::vector<std::unique_ptr<Wake>> wakes_; // one an owner
};

} // namespace homeshift::engine

#endif // HOMESHIFT_ENGINE_MIGRATION_ENGINE_HH
