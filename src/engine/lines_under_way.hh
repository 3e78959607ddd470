// SPDX-License-Identifier: BSD-3-Clause
//
// A few things under way, each about a line, and no two about the same. Where the last
// one of several lines was put is remembered by some bits of the line: mostly that is
// all that has to be looked at.

#ifndef HOMESHIFT_ENGINE_LINES_UNDER_WAY_HH
#define HOMESHIFT_ENGINE_LINES_UNDER_WAY_HH

#include <algorithm>
#include <array>
#include <cstdint>
#include <stdexcept>
#include <vector>

#include "engine/types.hh"

namespace homeshift::engine
{

// Item: has the line as a member of that name.
template <typename Item>
class LinesUnderWay
{
  public:
    explicit LinesUnderWay(std::size_t capacity) : capacity_(capacity)
    {
        items_.reserve(capacity);
    }

    bool
    empty() const
    {
        return items_.empty();
    }

    bool
    full() const
    {
        return items_.size() == capacity_;
    }

    bool
    has(Addr line) const
    {
        return counts_[bits(line)] != 0 && place_of(line) != items_.size();
    }

    void
    add(const Item &item)
    {
        places_[bits(item.line)] = static_cast<std::uint32_t>(items_.size());
        ++counts_[bits(item.line)];
        items_.push_back(item);
    }

    Item
    take(Addr line)
    {
        const std::size_t place = place_of(line);
        if (place == items_.size()) {
            throw std::logic_error("an answer to no request");
        }
        const Item taken = items_[place];
        --counts_[bits(line)];
        if (place + 1 != items_.size()) {
            items_[place] = items_.back();
            places_[bits(items_[place].line)] = static_cast<std::uint32_t>(place);
        }
        items_.pop_back();
        return taken;
    }

    template <typename Predicate>
    bool
    any_of(Predicate predicate) const
    {
        return std::any_of(items_.begin(), items_.end(), predicate);
    }

  private:
    static constexpr std::size_t kPlaces = 64;

    static std::size_t
    bits(Addr line)
    {
        return (line >> kLineShift) % kPlaces;
    }

    std::size_t
    place_of(Addr line) const
    {
        const std::size_t likely = places_[bits(line)];
        if (likely < items_.size() && items_[likely].line == line) {
            return likely;
        }
        const auto found = std::find_if(items_.begin(), items_.end(),
                                        [line](const Item &item) { return item.line == line; });
        return static_cast<std::size_t>(found - items_.begin());
    }

    std::size_t capacity_;
    std::vector<Item> items_;
    std::array<std::uint32_t, kPlaces> places_{};
    std::array<std::uint32_t, kPlaces> counts_{};
};

} // namespace homeshift::engine

#endif // HOMESHIFT_ENGINE_LINES_UNDER_WAY_HH
