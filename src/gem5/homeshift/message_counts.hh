// SPDX-License-Identifier: BSD-3-Clause
//
// Counts of messages by MessageSizeType: all, those that leave their node, and those on
// links between nodes.

#ifndef HOMESHIFT_GEM5_MESSAGE_COUNTS_HH
#define HOMESHIFT_GEM5_MESSAGE_COUNTS_HH

#include <string>
#include <vector>

#include "base/statistics.hh"

namespace gem5
{

namespace ruby
{

struct MessageCounts : public statistics::Group
{
    MessageCounts(statistics::Group *parent);

    // The counts of one vector, in the order of sizeTypes().
    static std::vector<uint64_t> values(const statistics::Vector &vector);
    static std::vector<std::string> sizeTypes();

    statistics::Vector allMessages;
    statistics::Vector betweenNodes;
    statistics::Vector linkMessages;
};

} // namespace ruby
} // namespace gem5

#endif // HOMESHIFT_GEM5_MESSAGE_COUNTS_HH
