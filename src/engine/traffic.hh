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

    std::uint64_t
    bytes() const
    {
        return sum_bytes([](MessageSizeType) { return true; });
    }

    std::uint64_t
    migration_bytes() const
    {
        return sum_bytes(is_migration);
    }

    // Of the VM, in messages without a line.
    std::uint64_t
    control_bytes() const
    {
        return sum_bytes([](MessageSizeType t) { return !is_migration(t) && !carries_data(t); });
    }

    // Of the VM, in messages with a line.
    std::uint64_t
    data_bytes() const
    {
        return sum_bytes([](MessageSizeType t) { return !is_migration(t) && carries_data(t); });
    }

  private:
    template <typename Select>
    std::uint64_t
    sum_bytes(Select select) const
    {
        std::uint64_t bytes = 0;
        for (unsigned i = 0; i < MessageSizeType_NUM; ++i) {
            const auto type = static_cast<MessageSizeType>(i);
            if (select(type)) {
                bytes += messages[i] * message_bytes(type);
            }
        }
        return bytes;
    }
};

} // namespace homeshift::engine

#endif // HOMESHIFT_ENGINE_TRAFFIC_HH
