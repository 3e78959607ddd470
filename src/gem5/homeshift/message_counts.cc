// SPDX-License-Identifier: BSD-3-Clause

#include "homeshift/message_counts.hh"

#include "mem/ruby/protocol/MessageSizeType.hh"

namespace gem5
{

namespace ruby
{

MessageCounts::Counts::Counts(statistics::Group *parent)
    : statistics::Group(parent),
      ADD_STAT(allMessages, statistics::units::Count::get(),
               "Messages that entered the network here, by size"),
      ADD_STAT(betweenNodes, statistics::units::Count::get(),
               "Messages that entered the network here and left their node, by size"),
      ADD_STAT(linkMessages, statistics::units::Count::get(),
               "Messages sent from here on links between routers, by size")
{
    for (statistics::Vector *vector : {&allMessages, &betweenNodes, &linkMessages}) {
        vector->init(MessageSizeType_NUM).flags(statistics::nozero | statistics::total);
        for (unsigned i = 0; i < MessageSizeType_NUM; ++i) {
            vector->subname(i, MessageSizeType_to_string(static_cast<MessageSizeType>(i)));
        }
    }
}

MessageCounts::MessageCounts(statistics::Group *parent) : counts(parent)
{
    // Networks and switches reset their own statistics, but not those of their children.
    statistics::registerResetCallback([this] { counts.resetStats(); });
}

std::vector<std::string>
MessageCounts::sizeTypes() const
{
    std::vector<std::string> names;
    for (unsigned i = 0; i < MessageSizeType_NUM; ++i) {
        names.push_back(MessageSizeType_to_string(static_cast<MessageSizeType>(i)));
    }
    return names;
}

static std::vector<uint64_t>
values(const statistics::Vector &vector)
{
    std::vector<uint64_t> result;
    for (unsigned i = 0; i < MessageSizeType_NUM; ++i) {
        result.push_back(const_cast<statistics::Vector &>(vector)[i].value());
    }
    return result;
}

std::vector<uint64_t>
MessageCounts::betweenNodes() const
{
    return values(counts.betweenNodes);
}

std::vector<uint64_t>
MessageCounts::linkMessages() const
{
    return values(counts.linkMessages);
}

} // namespace ruby
} // namespace gem5
