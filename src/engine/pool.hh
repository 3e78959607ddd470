// SPDX-License-Identifier: BSD-3-Clause
//
// Objects that come and go with every message get their memory from a free list
// of their own type instead of the heap.

#ifndef HOMESHIFT_ENGINE_POOL_HH
#define HOMESHIFT_ENGINE_POOL_HH

#include <cstddef>
#include <new>

namespace homeshift::engine
{

// Derive T from Pooled<T>. T must be final: the list hands out blocks of its size.
template <typename T>
class Pooled
{
  public:
    static void *
    operator new(std::size_t size)
    {
        List &list = free_list();
        if (list.head == nullptr) {
            return ::operator new(size);
        }
        Block *block = list.head;
        list.head = block->next;
        return block;
    }

    static void
    operator delete(void *memory)
    {
        List &list = free_list();
        Block *block = static_cast<Block *>(memory);
        block->next = list.head;
        list.head = block;
    }

  private:
    struct Block
    {
        Block *next;
    };

    struct List
    {
        Block *head = nullptr;

        ~List()
        {
            while (head != nullptr) {
                Block *next = head->next;
                ::operator delete(head);
                head = next;
            }
        }
    };

    static List &
    free_list()
    {
        static thread_local List list;
        return list;
    }
};

} // namespace homeshift::engine

#endif // HOMESHIFT_ENGINE_POOL_HH
