// SPDX-License-Identifier: BSD-3-Clause
//
// Messages and bytes by MessageSizeType.

#ifndef HOMESHIFT_ENGINE_TRAFFIC_HH
#define HOMESHIFT_ENGINE_TRAFFIC_HH

#include <array>
#include <cstdint>

#include "engine/types.hh"

namespace homeshift::engine
{

struct Traffic
{
    std::array<std::uint64_t, MessageSizeType_NUM> messages{};

    Traffic &
    operator+=(const Traffic &other)
    {
        for (unsigned i = 0; i < MessageSizeType_NUM; ++i) {
            messages[i] += other.messages[i];
        }
        return *this;
    }

    std::uint64_t
    bytes() const
    {
        std::uint64_t bytes = 0;
        for (unsigned i = 0; i < MessageSizeType_NUM; ++i) {
            bytes += messages[i] * message_bytes(static_cast<MessageSizeType>(i));
        }
        return bytes;
    }
};

} // namespace homeshift::engine

#endif // HOMESHIFT_ENGINE_TRAFFIC_HH
