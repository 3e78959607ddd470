// SPDX-License-Identifier: BSD-3-Clause
//
// A few values, each of a line: what is under way. By a hash of the line the table
// knows how many values there are of such lines, and where the last of them is. Mostly
// that is all that has to be looked at; else all values are.

#ifndef HOMESHIFT_ENGINE_LINE_TABLE_HH
#define HOMESHIFT_ENGINE_LINE_TABLE_HH

#include <algorithm>
#include <array>
#include <cassert>
#include <cstdint>
#include <stdexcept>
#include <vector>

#include "engine/types.hh"

namespace homeshift::engine
{

template <typename Value>
class LineTable
{
  public:
    std::size_t
    size() const
    {
        return items_.size();
    }

    // The value of a line, or nullptr. Valid until the next add or take.
    Value *
    find(Addr line)
    {
        const Alike &alike = alike_[bits(line)];
        if (alike.count == 0) {
            return nullptr;
        }
        const std::size_t place = place_of(line, alike);
        return place == items_.size() ? nullptr : &items_[place].value;
    }

    // The line must not have a value.
    void
    add(Addr line, const Value &value)
    {
        assert(find(line) == nullptr);
        Alike &alike = alike_[bits(line)];
        alike.last = static_cast<std::uint32_t>(items_.size());
        ++alike.count;
        items_.push_back({line, value});
    }

    // Remove a line's value, and return it.
    Value
    take(Addr line)
    {
        Alike &alike = alike_[bits(line)];
        const std::size_t place = place_of(line, alike);
        if (place == items_.size()) {
            throw std::logic_error("nothing is under way of this line");
        }
        const Value taken = items_[place].value;
        --alike.count;
        if (place + 1 != items_.size()) {
            items_[place] = items_.back();
            alike_[bits(items_[place].line)].last = static_cast<std::uint32_t>(place);
        }
        items_.pop_back();
        return taken;
    }

    template <typename Predicate>
    bool
    any_of(Predicate predicate) const
    {
        return std::any_of(items_.begin(), items_.end(),
                           [&](const Item &item) { return predicate(item.value); });
    }

  private:
    static constexpr std::size_t kKinds = 256;

    struct Item
    {
        Addr line;
        Value value;
    };

    struct Alike // lines with the same bits
    {
        std::uint32_t count = 0;
        std::uint32_t last = 0;
    };

    // Not simply the lowest bits: lines of one cache set are often under way together.
    static std::size_t
    bits(Addr line)
    {
        return (line >> kLineShift) * 0x9E3779B97F4A7C15U >> 56;
    }

    std::size_t
    place_of(Addr line, const Alike &alike) const
    {
        if (alike.last < items_.size() && items_[alike.last].line == line) {
            return alike.last;
        }
        const auto found = std::find_if(items_.begin(), items_.end(),
                                        [line](const Item &item) { return item.line == line; });
        return static_cast<std::size_t>(found - items_.begin());
    }

    std::vector<Item> items_;
    std::array<Alike, kKinds> alike_{};
};

} // namespace homeshift::engine

#endif // HOMESHIFT_ENGINE_LINE_TABLE_HH
