// SPDX-License-Identifier: BSD-3-Clause
//
// A queue in one piece of memory. std::deque allocates and frees as it moves on,
// even if it never holds more than a few.

#ifndef HOMESHIFT_ENGINE_FIFO_HH
#define HOMESHIFT_ENGINE_FIFO_HH

#include <cstddef>
#include <vector>

namespace homeshift::engine
{

template <typename T>
class Fifo
{
  public:
    bool
    empty() const
    {
        return head_ == items_.size();
    }

    std::size_t
    size() const
    {
        return items_.size() - head_;
    }

    T *
    begin()
    {
        return items_.data() + head_;
    }

    T *
    end()
    {
        return items_.data() + items_.size();
    }

    const T &
    front() const
    {
        return items_[head_];
    }

    void
    push_back(const T &item)
    {
        items_.push_back(item);
    }

    // Returns where the item is.
    T *
    insert(const T *place, const T &item)
    {
        if (place == end()) {
            items_.push_back(item);
            return &items_.back();
        }
        return &*items_.insert(items_.begin() + (place - items_.data()), item);
    }

    void
    erase(const T *place)
    {
        items_.erase(items_.begin() + (place - items_.data()));
        if (head_ == items_.size()) {
            pop_front(0);
        }
    }

    void
    pop_front(std::size_t count = 1)
    {
        head_ += count;
        if (head_ == items_.size()) {
            items_.clear();
            head_ = 0;
        } else if (head_ >= kLeast && head_ >= items_.size() / 2) {
            items_.erase(items_.begin(), items_.begin() + static_cast<std::ptrdiff_t>(head_));
            head_ = 0;
        }
    }

  private:
    static constexpr std::size_t kLeast = 64; // not worth the while with fewer

    std::vector<T> items_;
    std::size_t head_ = 0;
};

} // namespace homeshift::engine

#endif // HOMESHIFT_ENGINE_FIFO_HH
