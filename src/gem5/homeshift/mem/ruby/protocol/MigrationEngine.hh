// SPDX-License-Identifier: BSD-3-Clause
//
// Generated controllers include this for the SLICC type MigrationEngine.

#include "homeshift/migration_engine.hh"
