// SPDX-License-Identifier: BSD-3-Clause
//
// A node's migration engine: gives the lines and regions of its jobs to the node's DMA
// (src/common/job_queue.hh says in which order).

#ifndef HOMESHIFT_GEM5_MIGRATION_ENGINE_HH
#define HOMESHIFT_GEM5_MIGRATION_ENGINE_HH

#include <memory>
#include <vector>

#include "base/statistics.hh"
#include "base/types.hh"
#include "common/job_queue.hh"
#include "params/MigrationEngine.hh"
#include "sim/clocked_object.hh"
#include "sim/eventq.hh"

namespace gem5
{

namespace ruby
{

class Message;
class MessageBuffer;
class RubySystem;

class MigrationEngine : public ClockedObject
{
  public:
    PARAMS(MigrationEngine);
    MigrationEngine(const Params &p);

    // ---- for Python, between calls of m5.simulate(): a job starts at once

    // lineInterval: ps from the start of a line to that of the next, at least.
    void copy(unsigned job, unsigned owner, const std::vector<Addr> &sources,
              const std::vector<Addr> &targets, uint64_t bytesEach, bool urgent,
              uint64_t lineInterval);
    void transfer(unsigned job, unsigned owner, const std::vector<Addr> &regions,
                  unsigned newHome);

    // A node loses its right to regions.
    void fence(unsigned job, unsigned owner, const std::vector<Addr> &regions, unsigned fenced);

    // Forget what of a job has not begun, let lines under way end, take regions under way back.
    void cancel(unsigned job);

    // Lines or regions of a job that have not ended.
    uint64_t
    left(unsigned job) const
    {
        return jobs.left(job);
    }

    uint64_t regionsMoved() const;

    // ---- for the DMA controller

    void lineCopied(Addr source);
    void lineRefused(Addr source);
    void regionMoved(Addr region);
    void regionKept(Addr region);
    void regionFenced(Addr region);
    void regionRefused(Addr region);

    DrainState drain() override;

  private:
    void startSome();
    void ended(bool jobDone);
    void give(std::shared_ptr<Message> command);

    // The cycle that has begun: Python may call between clock edges.
    Tick
    now() const
    {
        return curTick() - curTick() % clockPeriod();
    }

    RubySystem *const system;
    MessageBuffer &commands;
    ::homeshift::JobQueue jobs;
    const bool exitWhenDone;
    std::vector<std::unique_ptr<EventFunctionWrapper>> wakes; // for paced copies, one an owner

    struct Stats : public statistics::Group
    {
        Stats(statistics::Group *parent);
        statistics::Scalar linesCopied;
        statistics::Scalar linesRefused;
        statistics::Scalar regionsMoved;
        statistics::Scalar regionsKept;
        statistics::Scalar regionsFenced;
        statistics::Scalar regionsRefused;
    } stats;
};

} // namespace ruby
} // namespace gem5

#endif // HOMESHIFT_GEM5_MIGRATION_ENGINE_HH
