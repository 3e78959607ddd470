// SPDX-License-Identifier: BSD-3-Clause
//
// An open-addressing hash map from 64-bit keys to small trivial values: linear
// probing, Fibonacci hashing, backward-shift erase (no tombstones, so the cost
// of a look-up does not grow with the history). Iteration order is not offered:
// nothing that schedules may depend on it.

#ifndef HOMESHIFT_COMMON_FLAT_MAP_HH
#define HOMESHIFT_COMMON_FLAT_MAP_HH

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace homeshift
{

template <typename Value>
class FlatMap
{
  public:
    FlatMap() : slots_(kInitial)
    {}

    // The value of a key, or nullptr. Valid until the next insert or erase.
    Value *
    find(std::uint64_t key)
    {
        if (size_ == 0) {
            return nullptr;
        }
        for (std::size_t i = index(key);; i = (i + 1) & mask()) {
            if (slots_[i].key == key) {
                return &slots_[i].value;
            }
            if (slots_[i].key == kEmpty) {
                return nullptr;
            }
        }
    }

    // Let the host fetch what a look-up will need. (GCC drops calls that do no more than that.)
    [[gnu::always_inline]] void
    prefetch(std::uint64_t key) const
    {
        __builtin_prefetch(&slots_[index(key)]);
    }

    // The value of a key, a new Value{} if there was none. Valid until the next insert or erase.
    Value &
    operator[](std::uint64_t key)
    {
        if ((size_ + 1) * 3 > slots_.size() * 2) {
            grow();
        }
        std::size_t i = index(key);
        while (slots_[i].key != kEmpty && slots_[i].key != key) {
            i = (i + 1) & mask();
        }
        if (slots_[i].key == kEmpty) {
            slots_[i].key = key;
            ++size_;
        }
        return slots_[i].value;
    }

    // Insert or replace.
    void
    set(std::uint64_t key, Value value)
    {
        (*this)[key] = std::move(value);
    }

    bool
    erase(std::uint64_t key)
    {
        if (size_ == 0) {
            return false;
        }
        std::size_t hole = index(key);
        while (slots_[hole].key != key) {
            if (slots_[hole].key == kEmpty) {
                return false;
            }
            hole = (hole + 1) & mask();
        }
        // Move back whatever the hole would otherwise cut off from its place.
        for (std::size_t i = (hole + 1) & mask(); slots_[i].key != kEmpty; i = (i + 1) & mask()) {
            const std::size_t home = index(slots_[i].key);
            if (((i - home) & mask()) >= ((i - hole) & mask())) {
                slots_[hole] = std::move(slots_[i]);
                hole = i;
            }
        }
        slots_[hole] = Slot{};
        --size_;
        return true;
    }

    // Visits every value in no particular order: for cleaning up, and for sums.
    template <typename Visit>
    void
    for_each(Visit visit)
    {
        for (Slot &slot : slots_) {
            if (slot.key != kEmpty) {
                visit(slot.value);
            }
        }
    }

  private:
    static constexpr std::uint64_t kEmpty = ~std::uint64_t{0};
    static constexpr std::size_t kInitial = 16;

    struct Slot
    {
        std::uint64_t key = kEmpty;
        Value value{};
    };

    std::size_t
    mask() const
    {
        return slots_.size() - 1;
    }

    std::size_t
    index(std::uint64_t key) const
    {
        return static_cast<std::size_t>((key * 0x9E3779B97F4A7C15ULL) >> shift_);
    }

    void
    grow()
    {
        std::vector<Slot> old(slots_.size() * 2);
        old.swap(slots_);
        --shift_;
        size_ = 0;
        for (Slot &slot : old) {
            if (slot.key != kEmpty) {
                set(slot.key, std::move(slot.value));
            }
        }
    }

    std::vector<Slot> slots_;
    std::size_t size_ = 0;
    unsigned shift_ = 60; // 64 - log2(slots)
};

} // namespace homeshift

#endif // HOMESHIFT_COMMON_FLAT_MAP_HH
