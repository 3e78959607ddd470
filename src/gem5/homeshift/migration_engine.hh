// SPDX-License-Identifier: BSD-3-Clause
//
// A node's migration engine: works off a list of lines to copy and regions to
// transfer, with a bounded number of each under way in the node's DMA.

#ifndef HOMESHIFT_GEM5_MIGRATION_ENGINE_HH
#define HOMESHIFT_GEM5_MIGRATION_ENGINE_HH

#include <deque>
#include <vector>

#include "base/statistics.hh"
#include "base/types.hh"
#include "params/MigrationEngine.hh"
#include "sim/clocked_object.hh"

namespace gem5
{

namespace ruby
{

class MessageBuffer;

class MigrationEngine : public ClockedObject
{
  public:
    PARAMS(MigrationEngine);
    MigrationEngine(const Params &p);

    // ---- for Python, between calls of m5.simulate(): append to the work, which starts at once

    void copy(const std::vector<Addr> &sources, const std::vector<Addr> &targets,
              uint64_t bytesEach);
    // fenced: a node that loses its right with the transfer, or -1.
    void transfer(const std::vector<Addr> &regions, unsigned newHome, int fenced);
    void fence(const std::vector<Addr> &regions, unsigned fenced);

    // Forget the work that has not begun, let lines under way end, take regions under way back.
    void cancel();

    // Returns false if there is work: then m5.simulate() will return with
    // "the migration engine is idle" when it is done.
    bool exitWhenIdle();

    uint64_t linesCopied() const;
    uint64_t regionsMoved() const;
    uint64_t regionsKept() const;

    // ---- for the DMA controller

    void lineCopied(Addr source);
    void lineRefused(Addr address);
    void regionMoved(Addr region);
    void regionKept(Addr region);
    void regionFenced(Addr region);
    void regionRefused(Addr region);

    DrainState drain() override;

  private:
    struct Copy
    {
        Addr source;
        Addr target;
        uint64_t bytes;
    };

    struct Region
    {
        Addr region;
        int newHome; // -1: it only gets a fence
        int fenced;  // -1: nobody loses a right
    };

    bool
    idle() const
    {
        return copies.empty() && regions.empty() && lines == 0 && underWay.empty();
    }

    void startSome();
    void regionDone(Addr region);
    void finished();

    // The cycle that has begun: Python may call between clock edges.
    Tick
    now() const
    {
        return curTick() - curTick() % clockPeriod();
    }

    MessageBuffer &commands;
    const unsigned lineLimit;
    const unsigned transferLimit;
    unsigned lines = 0;         // under way
    std::vector<Addr> underWay; // regions
    bool exitAtEnd = false;
    std::deque<Copy> copies;
    std::deque<Region> regions;

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
