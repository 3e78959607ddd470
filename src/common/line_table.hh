// SPDX-License-Identifier: BSD-3-Clause
//
// A few values, each of a line: what is under way. A hash table with chains, small
// enough to stay in the host's first-level cache. A value stays in its place until it
// is removed, and what it holds is left to who comes next to that place.

#ifndef HOMESHIFT_COMMON_LINE_TABLE_HH
#define HOMESHIFT_COMMON_LINE_TABLE_HH

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <stdexcept>

namespace homeshift
{

template <typename Value>
class LineTable
{
  public:
    LineTable() = default;
    LineTable(const LineTable &) = delete;
    LineTable &operator=(const LineTable &) = delete;

    std::size_t
    size() const
    {
        return size_;
    }

    // The value of a line, or nullptr. Valid until it is removed.
    Value *
    find(std::uint64_t line)
    {
        Item *const item = *link_to(line);
        return item == nullptr ? nullptr : &item->value;
    }

    // A place for the value of a line: with what the last value there has left, or Value{}. nullptr
    // if the line has a value.
    Value *
    add(std::uint64_t line)
    {
        if (find(line) != nullptr) {
            return nullptr;
        }
        Item *item = free_;
        if (item == nullptr) {
            item = &items_.emplace_back();
        } else {
            free_ = item->next;
        }
        Item *&first = first_[kind(line)];
        item->line = line;
        item->next = first;
        first = item;
        ++size_;
        return &item->value;
    }

    // Returns what is left of the value. Valid until the next add.
    Value &
    remove(std::uint64_t line)
    {
        Item **const link = link_to(line);
        Item *const item = *link;
        if (item == nullptr) {
            throw std::logic_error("nothing is under way of this line");
        }
        *link = item->next;
        item->line = kNoLine;
        item->next = free_;
        free_ = item;
        --size_;
        return item->value;
    }

    template <typename Predicate>
    bool
    any_of(Predicate predicate) const
    {
        return std::any_of(items_.begin(), items_.end(), [&](const Item &item) {
            return item.line != kNoLine && predicate(item.value);
        });
    }

  private:
    static constexpr std::uint64_t kNoLine = ~std::uint64_t{0};
    static constexpr unsigned kKindBits = 6;

    struct Item
    {
        std::uint64_t line = kNoLine;
        Item *next = nullptr; // in the chain, or of free places
        Value value{};
    };

    // What leads to a line's item; or to nullptr, at the end of its chain.
    Item **
    link_to(std::uint64_t line)
    {
        Item **link = &first_[kind(line)];
        while (*link != nullptr && (*link)->line != line) {
            link = &(*link)->next;
        }
        return link;
    }

    // Not simply the lowest bits: lines of one cache set are often under way together. Of lines
    // that are multiples of 4 GiB apart, few are.
    static std::size_t
    kind(std::uint64_t line)
    {
        return static_cast<std::uint32_t>(line) * 0x9E3779B1U >> (32 - kKindBits);
    }

    std::array<Item *, 1 << kKindBits> first_{}; // of each kind's chain
    std::deque<Item> items_;                     // which stay where they are
    Item *free_ = nullptr;
    std::size_t size_ = 0;
};

} // namespace homeshift

#endif // HOMESHIFT_COMMON_LINE_TABLE_HH
