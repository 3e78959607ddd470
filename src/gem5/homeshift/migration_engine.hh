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
    void transfer(const std::vector<Addr> &regions, unsigned newHome);

    // Returns false if there is work: then m5.simulate() will return with
    // "the migration engine is idle" when it is done.
    bool exitWhenIdle();

    uint64_t linesCopied() const;
    uint64_t regionsMoved() const;

    // ---- for the DMA controller

    void lineCopied(Addr source);
    void regionMoved(Addr region);

    DrainState drain() override;

  private:
    struct Copy
    {
        Addr source;
        Addr target;
        uint64_t bytes;
    };

    struct Transfer
    {
        Addr region;
        unsigned newHome;
    };

    bool
    idle() const
    {
        return copies.empty() && transfers.empty() && lines == 0 && regions == 0;
    }

    void startSome();
    void finished();

    MessageBuffer &commands;
    const unsigned lineLimit;
    const unsigned transferLimit;
    unsigned lines = 0; // under way
    unsigned regions = 0;
    bool exitAtEnd = false;
    std::deque<Copy> copies;
    std::deque<Transfer> transfers;

    struct Stats : public statistics::Group
    {
        Stats(statistics::Group *parent);
        statistics::Scalar linesCopied;
        statistics::Scalar regionsMoved;
    } stats;
};

} // namespace ruby
} // namespace gem5

#endif // HOMESHIFT_GEM5_MIGRATION_ENGINE_HH
