// SPDX-License-Identifier: BSD-3-Clause
//
// A queue in one piece of memory. std::deque allocates and frees as it moves on,
// even if it never holds more than a few.

#ifndef HOMESHIFT_ENGINE_FIFO_HH
#define HOMESHIFT_ENGINE_FIFO_HH

#include <algorithm>
#include <cstddef>
#include <memory>
#include <type_traits>
#include <utility>

namespace homeshift::engine
{

// Least: items that it has room for from the first one on. Each time that they have passed through
// a queue that is never empty, those in it move to the front.
template <typename T, std::size_t Least = 16>
class Fifo
{
  public:
    Fifo() = default;
    Fifo(const Fifo &) = delete;
    Fifo &operator=(const Fifo &) = delete;

    bool
    empty() const
    {
        return begin_ == end_;
    }

    std::size_t
    size() const
    {
        return static_cast<std::size_t>(end_ - begin_);
    }

    T *
    begin()
    {
        return begin_;
    }

    T *
    end()
    {
        return end_;
    }

    const T &
    front() const
    {
        return *begin_;
    }

    const T &
    back() const
    {
        return end_[-1];
    }

    void
    push_back(const T &item)
    {
        *append() = item;
    }

    // An item at the end, which is to be set member by member: the host is slow to copy at once
    // what it has just written in parts.
    T *
    append()
    {
        if (end_ == limit_) [[unlikely]] {
            make_room();
        }
        return end_++;
    }

    void
    pop_back()
    {
        --end_;
        start_anew_if_empty();
    }

    void
    pop_front()
    {
        ++begin_;
        start_anew_if_empty();
    }

  private:
    static_assert(std::is_trivially_copyable_v<T>);

    void
    start_anew_if_empty()
    {
        if (begin_ == end_) {
            begin_ = end_ = items_.get();
        }
    }

    // To the front, if half of the memory is free there; else into twice as much.
    [[gnu::noinline]] void
    make_room()
    {
        const std::size_t count = size();
        const auto room = static_cast<std::size_t>(limit_ - items_.get());
        if (2 * count <= room && room != 0) {
            std::copy(begin_, end_, items_.get());
        } else {
            const std::size_t more = std::max(Least, 2 * room);
            auto items = std::make_unique_for_overwrite<T[]>(more);
            std::copy(begin_, end_, items.get());
            items_ = std::move(items);
            limit_ = items_.get() + more;
        }
        begin_ = items_.get();
        end_ = begin_ + count;
    }

    std::unique_ptr<T[]> items_;
    T *begin_ = nullptr;
    T *end_ = nullptr;
    T *limit_ = nullptr;
};

} // namespace homeshift::engine

#endif // HOMESHIFT_ENGINE_FIFO_HH
