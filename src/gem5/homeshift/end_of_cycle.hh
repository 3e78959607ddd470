// SPDX-License-Identifier: BSD-3-Clause
//
// Leaves gem5's loop when all that happens in this cycle has happened: answers reach cores some ps
// after the clock edge, and what the script does must not depend on which of them came first.

#ifndef HOMESHIFT_GEM5_END_OF_CYCLE_HH
#define HOMESHIFT_GEM5_END_OF_CYCLE_HH

#include "base/types.hh"
#include "sim/cur_tick.hh"
#include "sim/sim_exit.hh"

namespace gem5
{

inline void
exitAtEndOfCycle(const char *cause, Tick clockPeriod)
{
    exitSimLoop(cause, 0, curTick() - curTick() % clockPeriod + clockPeriod - 1);
}

} // namespace gem5

#endif // HOMESHIFT_GEM5_END_OF_CYCLE_HH
