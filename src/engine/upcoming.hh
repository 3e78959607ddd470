// SPDX-License-Identifier: BSD-3-Clause
//
// What is known to happen at a time to come and counts from then on only.

#ifndef HOMESHIFT_ENGINE_UPCOMING_HH
#define HOMESHIFT_ENGINE_UPCOMING_HH

#include <cstddef>
#include <cstdint>
#include <vector>

namespace homeshift::engine
{

template <typename What>
class Upcoming
{
  public:
    // count(when, what) is called for what has happened by `now`, sooner or later.
    template <typename Count>
    void
    add(std::uint64_t when, const What &what, std::uint64_t now, Count count)
    {
        if (items_.size() == items_.capacity()) [[unlikely]] {
            make_room(now, count);
        }
        items_.push_back({when, what});
    }

    // It has been called for all of that after this.
    template <typename Count>
    void
    take(std::uint64_t now, Count count)
    {
        auto kept = items_.begin();
        for (const Item &item : items_) {
            if (item.when > now) {
                *kept++ = item;
            } else {
                count(item.when, item.what);
            }
        }
        items_.erase(kept, items_.end());
    }

  private:
    static constexpr std::size_t kFew = 64;

    struct Item
    {
        std::uint64_t when;
        What what;
    };

    template <typename Count>
    [[gnu::noinline]] void
    make_room(std::uint64_t now, Count count)
    {
        take(now, count);
        items_.reserve(kFew + 2 * items_.size()); // so that each is looked at a few times at most
    }

    std::vector<Item> items_;
};

} // namespace homeshift::engine

#endif // HOMESHIFT_ENGINE_UPCOMING_HH
