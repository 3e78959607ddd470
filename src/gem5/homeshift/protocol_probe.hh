// SPDX-License-Identifier: BSD-3-Clause
//
// What Python cannot see of generated controllers: how often each one took each
// transition, and whether directories and caches agree.

#ifndef HOMESHIFT_GEM5_PROTOCOL_PROBE_HH
#define HOMESHIFT_GEM5_PROTOCOL_PROBE_HH

#include <string>
#include <tuple>
#include <vector>

#include "base/types.hh"
#include "params/ProtocolProbe.hh"
#include "sim/sim_object.hh"

namespace gem5
{

namespace ruby
{

class AbstractController;
class CacheMemory;
class HomeDirectory;

class ProtocolProbe : public SimObject
{
  public:
    PARAMS(ProtocolProbe);
    ProtocolProbe(const Params &p);

    // (machine, number, state, event, count) of each transition that was taken.
    std::vector<std::tuple<std::string, int, std::string, std::string, uint64_t>> transitions()
        const;

    // To be asked when nothing is under way: what is wrong, or "".
    std::string audit(const std::vector<Addr> &lines) const;

  private:
    std::string auditRegions() const;
    std::string auditLine(Addr line) const;

    const std::vector<AbstractController *> controllers;
    const std::vector<CacheMemory *> caches;
    const std::vector<HomeDirectory *> directories;
    const Addr memorySize;
    const Addr regionSize;
};

} // namespace ruby
} // namespace gem5

#endif // HOMESHIFT_GEM5_PROTOCOL_PROBE_HH
