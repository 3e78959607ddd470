// SPDX-License-Identifier: BSD-3-Clause
//
// A state as bytes. Every part of a state takes one byte, and every byte has a kind
// that says what becomes of it when nodes change places. Packing, unpacking and
// listing the kinds are visitors of one and the same walk over the fields.

#ifndef HOMESHIFT_CHECKER_CODEC_HH
#define HOMESHIFT_CHECKER_CODEC_HH

#include <bit>
#include <cstring>
#include <type_traits>
#include <vector>

#include "checker/terms.hh"

namespace homeshift::engine
{

enum Kind : Byte
{
    kPlain,   // the same for every order of the nodes
    kNode,    // number of a node; kNoNode: none
    kMachine, // a MachineID
    kSet,     // a bit for each node
    kData,    // whose value it is: see values.hh
};

// The bytes of a value. A part with parts of its own shows them by for_each_field (what SLICC
// declares) or by for_each_variable (what the checker provides).
class Packer
{
  public:
    explicit Packer(Byte *to) : to_(to)
    {}

    Byte *
    end() const
    {
        return to_;
    }

    template <typename T>
    void
    operator()(const char *, T &value)
    {
        if constexpr (std::is_same_v<T, int>) {
            if (value < -100 || value > 100) {
                throw ProtocolError("a counter has left the range of a byte: it grows without end");
            }
            put(static_cast<Byte>(value));
        } else if constexpr (std::is_enum_v<T> || std::is_same_v<T, bool> ||
                             std::is_same_v<T, Byte> || std::is_same_v<T, NodeID>) {
            put(static_cast<Byte>(value));
        } else if constexpr (std::is_same_v<T, Addr>) {
            put(static_cast<Byte>(value >> kLineShift));
        } else if constexpr (std::is_same_v<T, MachineID>) {
            put(byte_of(value));
        } else if constexpr (std::is_same_v<T, DataBlock>) {
            put(static_cast<Byte>(value.token));
        } else if constexpr (std::is_same_v<T, NetDest>) {
            for (unsigned type = 0; type < MachineType_NUM; ++type) {
                put(static_cast<Byte>(value.bits(static_cast<MachineType>(type))));
            }
        } else {
            forget_unread(value);
            show_parts(*this, "", value);
        }
    }

  private:
    void
    put(Byte byte)
    {
        *to_++ = byte;
    }

    Byte *to_;
};

class Unpacker
{
  public:
    explicit Unpacker(const Byte *from) : from_(from)
    {}

    const Byte *
    end() const
    {
        return from_;
    }

    template <typename T>
    void
    operator()(const char *, T &value)
    {
        if constexpr (std::is_same_v<T, int>) {
            value = static_cast<std::int8_t>(*from_++);
        } else if constexpr (std::is_enum_v<T> || std::is_same_v<T, bool> ||
                             std::is_same_v<T, Byte> || std::is_same_v<T, NodeID>) {
            value = static_cast<T>(*from_++);
        } else if constexpr (std::is_same_v<T, Addr>) {
            value = address_of(*from_++);
        } else if constexpr (std::is_same_v<T, MachineID>) {
            value = machine_of(*from_++);
        } else if constexpr (std::is_same_v<T, DataBlock>) {
            value.token = *from_++;
        } else if constexpr (std::is_same_v<T, NetDest>) {
            for (unsigned type = 0; type < MachineType_NUM; ++type) {
                value.set_bits(static_cast<MachineType>(type), *from_++);
            }
        } else {
            show_parts(*this, "", value);
        }
    }

  private:
    const Byte *from_;
};

inline std::uint64_t
load64(const Byte *from)
{
    std::uint64_t word;
    std::memcpy(&word, from, sizeof word);
    return word;
}

// The kinds of the bytes that Packer makes of a value.
class KindLister
{
  public:
    std::vector<Kind> kinds;

    template <typename T>
    void
    operator()(const char *, T &value)
    {
        if constexpr (std::is_same_v<T, NodeID>) {
            kinds.push_back(kNode);
        } else if constexpr (std::is_same_v<T, MachineID>) {
            kinds.push_back(kMachine);
        } else if constexpr (std::is_same_v<T, DataBlock>) {
            kinds.push_back(kData);
        } else if constexpr (std::is_same_v<T, NetDest>) {
            for (unsigned type = 0; type < MachineType_NUM; ++type) {
                kinds.push_back(is_per_node(static_cast<MachineType>(type)) ? kSet : kPlain);
            }
        } else if constexpr (std::is_arithmetic_v<T> || std::is_enum_v<T>) {
            kinds.push_back(kPlain);
        } else {
            show_parts(*this, "", value);
        }
    }
};

// Which bytes are of which kind.
struct Layout
{
    struct Word
    {
        std::uint16_t at;
        std::uint64_t mask; // 0xff where a byte is neither plain nor a node's number
    };

    std::vector<Kind> kinds;
    std::vector<Byte> plain_mask;     // 0xff where the byte is plain
    std::vector<std::uint16_t> nodes; // places of numbers of nodes
    std::vector<Word> words;          // eight bytes each: all others that are not plain

    Layout() = default;

    explicit Layout(const std::vector<Kind> &of) : kinds(of), plain_mask(of.size())
    {
        for (std::size_t i = 0; i < kinds.size(); ++i) {
            const auto at = static_cast<std::uint16_t>(i);
            if (kinds[i] == kPlain) {
                plain_mask[i] = 0xff;
            } else if (kinds[i] == kNode) {
                nodes.push_back(at);
            } else {
                if (words.empty() || words.back().at != (at & ~7)) {
                    words.push_back({static_cast<std::uint16_t>(at & ~7), 0});
                }
                words.back().mask |= std::uint64_t{0xff} << (at & 7) * 8;
            }
        }
    }

    std::size_t
    size() const
    {
        return kinds.size();
    }

    // Visits (place, kind) of what is not plain, but for bytes that are 0 and no number of a node:
    // these name nothing. Up to seven bytes behind the last one are read.
    template <typename Visit>
    void
    for_each_name(const Byte *bytes, Visit visit) const
    {
        for (const std::uint16_t at : nodes) {
            visit(at, kNode);
        }
        for (const Word &word : words) {
            for (std::uint64_t left = load64(bytes + word.at) & word.mask; left != 0;) {
                const int shift = std::countr_zero(left) & ~7;
                left &= ~(std::uint64_t{0xff} << shift);
                const auto at = static_cast<unsigned>(word.at + shift / 8);
                visit(at, kinds[at]);
            }
        }
    }
};

} // namespace homeshift::engine

#endif // HOMESHIFT_CHECKER_CODEC_HH
