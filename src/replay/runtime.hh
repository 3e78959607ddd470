// SPDX-License-Identifier: BSD-3-Clause
//
// All that the controllers emitted from SLICC stand on when the engine takes a
// counterexample: the engine, with cores and devices that ask when they are told to.

#ifndef HOMESHIFT_REPLAY_RUNTIME_HH
#define HOMESHIFT_REPLAY_RUNTIME_HH

#include "replay/controller.hh"
#include "replay/structures.hh"

// After the above: it uses the world.
#include "checker/sequencer.hh"

namespace homeshift::engine
{

// Of the emitted controllers.
using ControllerBase = HeldController;

} // namespace homeshift::engine

#endif // HOMESHIFT_REPLAY_RUNTIME_HH
