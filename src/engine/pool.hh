// SPDX-License-Identifier: BSD-3-Clause
//
// Objects that come and go with every message get their memory from a free list
// of their own type instead of the heap.

#ifndef HOMESHIFT_ENGINE_POOL_HH
#define HOMESHIFT_ENGINE_POOL_HH

#include <cstddef>
#include <new>
#include <utility>

namespace homeshift::engine
{

// Derive T from Pooled<T>. T must be final, as the list hands out blocks of its size; or else Bytes
// are enough for all that derives from it.
template <typename T, std::size_t Bytes = 0>
class Pooled
{
  public:
    static void *
    operator new(std::size_t size)
    {
        if (free_ == nullptr) [[unlikely]] {
            return more(Bytes == 0 ? size : Bytes);
        }
        return std::exchange(free_, free_->next);
    }

    static void
    operator delete(void *memory)
    {
        free_ = ::new (memory) Block{free_};
    }

  private:
    static constexpr std::align_val_t kAlign{64}; // a line of the host's memory

    struct Block
    {
        Block *next;
    };

    // Without a destructor, so that an access needs no look whether it has been made.
    static inline thread_local Block *free_ = nullptr;

    struct AtThreadEnd
    {
        ~AtThreadEnd()
        {
            while (free_ != nullptr) {
                ::operator delete(std::exchange(free_, free_->next), kAlign);
            }
        }
    };

    [[gnu::noinline]] static void *
    more(std::size_t size)
    {
        static thread_local AtThreadEnd at_thread_end;
        return ::operator new(size, kAlign);
    }
};

} // namespace homeshift::engine

#endif // HOMESHIFT_ENGINE_POOL_HH
