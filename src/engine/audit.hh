// SPDX-License-Identifier: BSD-3-Clause
//
// What holds whenever no message is under way: nobody waits for any, every region has one home,
// and directories agree with caches.

#ifndef HOMESHIFT_ENGINE_AUDIT_HH
#define HOMESHIFT_ENGINE_AUDIT_HH

namespace homeshift::engine
{

class System;

// Throws ProtocolError if any of it does not hold.
void audit(const System &system);

} // namespace homeshift::engine

#endif // HOMESHIFT_ENGINE_AUDIT_HH
