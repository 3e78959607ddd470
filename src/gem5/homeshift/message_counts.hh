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

// To be inherited beside a SimObject that is the parent of its statistics.
class MessageCounts
{
  public:
    // The names of the counts in each of the others.
    std::vector<std::string> sizeTypes() const;
    std::vector<uint64_t> betweenNodes() const;
    std::vector<uint64_t> linkMessages() const;

  protected:
    MessageCounts(statistics::Group *parent);

    struct Counts : public statistics::Group
    {
        Counts(statistics::Group *parent);
        statistics::Vector allMessages;
        statistics::Vector betweenNodes;
        statistics::Vector linkMessages;
    } counts;
};

} // namespace ruby
} // namespace gem5

#endif // HOMESHIFT_GEM5_MESSAGE_COUNTS_HH
