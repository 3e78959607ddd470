// SPDX-License-Identifier: BSD-3-Clause
//
// For tests: takes the place of one core's cache in the network and asks homes for
// whatever it is told to, past every table, cache state and manners. It names itself
// as the requestor: that is what the network vouches for, and what a fence goes by.

#ifndef HOMESHIFT_ENGINE_ROGUE_HH
#define HOMESHIFT_ENGINE_ROGUE_HH

#include <cstdint>
#include <map>
#include <string>

#include "engine/message.hh"
#include "engine/network.hh"
#include "engine/types.hh"

namespace homeshift::engine
{

class Rogue final : public Receiver
{
  public:
    Rogue(Network &network, MachineID self);

    // request: a name of HomeRequestType; home: the node whose agent gets it; value: token of the
    // data that goes with it; other: the node that a Transfer or Fence names.
    void ask(const std::string &request, Addr address, unsigned home, std::uint64_t value,
             unsigned other);

    void arrive(Message *message) override;

    // What came back: names of ResponseType -> how often; "Forward" for what a home asked of it.
    std::map<std::string, std::uint64_t> answers;

  private:
    Network &network_;
    MachineID self_;
};

} // namespace homeshift::engine

#endif // HOMESHIFT_ENGINE_ROGUE_HH
