// SPDX-License-Identifier: BSD-3-Clause
//
// A few values, each of a line: what is under way. A hash table with chains, small
// enough to stay in the host's first-level cache. A value stays in its place until it
// is removed, and what it holds is left to who comes next to that place.

#ifndef HOMESHIFT_COMMON_LINE_TABLE_HH
#define HOMESHIFT_COMMON_LINE_TABLE_HH

#include <algorithm>
#include <array>
#include <cstdint>
#include <stdexcept>
#include <vector>

#include "common/access.hh"

namespace homeshift
{

template <typename Value>
class LineTable
{
  public:
    LineTable()
    {
        first_.fill(kNone);
    }

    std::size_t
    size() const
    {
        return size_;
    }

    // The value of a line, or nullptr. Valid until the next add.
    Value *
    find(std::uint64_t line)
    {
        return find_from(first_[kind(line)], line);
    }

    // A place for the value of a line: with what the last value there has left, or Value{}. Valid
    // until the next add. nullptr if the line has a value.
    Value *
    add(std::uint64_t line)
    {
        Place &first = first_[kind(line)];
        if (find_from(first, line) != nullptr) {
            return nullptr;
        }
        Place place = free_;
        if (place == kNone) {
            place = static_cast<Place>(items_.size());
            items_.emplace_back();
        } else {
            free_ = items_[place].next;
        }
        items_[place].line = line;
        items_[place].next = first;
        first = place;
        ++size_;
        return &items_[place].value;
    }

    // Returns what is left of the value. Valid until the next add.
    Value &
    remove(std::uint64_t line)
    {
        Place *link = &first_[kind(line)];
        while (*link != kNone && items_[*link].line != line) {
            link = &items_[*link].next;
        }
        const Place place = *link;
        if (place == kNone) {
            throw std::logic_error("nothing is under way of this line");
        }
        Item &item = items_[place];
        *link = item.next;
        item.line = kNoLine;
        item.next = free_;
        free_ = place;
        --size_;
        return item.value;
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
    using Place = std::uint32_t;
    static constexpr Place kNone = ~Place{0};
    static constexpr unsigned kKindBits = 6;

    struct Item
    {
        std::uint64_t line = kNoLine;
        Value value{};
        Place next = kNone; // in the chain, or of free places
    };

    Value *
    find_from(Place place, std::uint64_t line)
    {
        for (; place != kNone; place = items_[place].next) {
            if (items_[place].line == line) {
                return &items_[place].value;
            }
        }
        return nullptr;
    }

    // Not simply the lowest bits: lines of one cache set are often under way together.
    static std::size_t
    kind(std::uint64_t line)
    {
        return line * 0x9E3779B97F4A7C15U >> (64 - kKindBits);
    }

    std::array<Place, 1 << kKindBits> first_; // of each kind's chain
    std::vector<Item> items_;
    Place free_ = kNone;
    std::size_t size_ = 0;
};

} // namespace homeshift

#endif // HOMESHIFT_COMMON_LINE_TABLE_HH
