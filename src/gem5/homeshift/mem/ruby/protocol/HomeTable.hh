// SPDX-License-Identifier: BSD-3-Clause
//
// Generated controllers include this for the SLICC type HomeTable.

#include "homeshift/home_table.hh"
