// SPDX-License-Identifier: BSD-3-Clause
//
// All that the controllers emitted from SLICC stand on in the model checker.

#ifndef HOMESHIFT_CHECKER_RUNTIME_HH
#define HOMESHIFT_CHECKER_RUNTIME_HH

#include "checker/controller.hh"
#include "checker/sequencer.hh"

namespace homeshift::engine
{

// Of the emitted controllers.
using ControllerBase = Controller;

} // namespace homeshift::engine

#endif // HOMESHIFT_CHECKER_RUNTIME_HH
