// SPDX-License-Identifier: BSD-3-Clause

#ifndef HOMESHIFT_ENGINE_PROTOCOL_ERROR_HH
#define HOMESHIFT_ENGINE_PROTOCOL_ERROR_HH

#include <stdexcept>

namespace homeshift::engine
{

// The protocol did what it must not do: no transition, a failed assert, error(); in the checker,
// also a property that does not hold.
class ProtocolError : public std::runtime_error
{
    using std::runtime_error::runtime_error;
};

} // namespace homeshift::engine

#endif // HOMESHIFT_ENGINE_PROTOCOL_ERROR_HH
