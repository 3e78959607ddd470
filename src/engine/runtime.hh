// SPDX-License-Identifier: BSD-3-Clause
//
// All that the controllers emitted from SLICC stand on in a simulation.

#ifndef HOMESHIFT_ENGINE_RUNTIME_HH
#define HOMESHIFT_ENGINE_RUNTIME_HH

#include "engine/controller.hh"
#include "engine/message.hh"
#include "engine/migration_engine.hh"
#include "engine/sequencer.hh"
#include "engine/structures.hh"

namespace homeshift::engine
{

// Of the emitted controllers.
using ControllerBase = Controller;

} // namespace homeshift::engine

#endif // HOMESHIFT_ENGINE_RUNTIME_HH
