// SPDX-License-Identifier: BSD-3-Clause
//
// Generated controllers include this for the SLICC type HomeDirectory.

#include "homeshift/home_directory.hh"
