// SPDX-License-Identifier: BSD-3-Clause
//
// The state of the machine as bytes, and one of its forms that stands for all those
// that differ only in which node is which.
//
// Bytes of a state: what is not of a node, each node, then the messages in order.
// To find the form, every node gets a signature that does not depend on numbers of
// nodes; nodes are sorted by it, and where signatures are equal all orders are tried.

#ifndef HOMESHIFT_CHECKER_STATE_HH
#define HOMESHIFT_CHECKER_STATE_HH

#include <numeric>

#include "scenario.hh" // generated: struct Machine, and the tables of the scenario

namespace homeshift::engine
{

constexpr std::size_t kMaxStateBytes = 4096;

struct State
{
    std::uint16_t size = 0;
    Byte bytes[kMaxStateBytes];
};

using Order = std::array<Byte, kNodes>; // [node] -> its new number

inline std::uint64_t
mix(std::uint64_t a, std::uint64_t b)
{
    const auto product =
        static_cast<unsigned __int128>(a ^ 0x9E3779B97F4A7C15ULL) * (b ^ 0xD6E8FEB86659FD93ULL);
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

inline std::uint64_t
fingerprint(const State &state)
{
    std::uint64_t a = state.size, b = 0x2545F4914F6CDD1DULL;
    for (std::size_t i = 0; i < state.size; i += 16) { // zeros follow the last byte
        a = mix(a ^ load64(state.bytes + i), b ^ load64(state.bytes + i + 8));
        b = b * 0x9FB21C651E98DF25ULL + a;
    }
    return mix(a, b);
}

// A renaming of nodes, as a table for each kind of byte.
struct Renaming
{
    Order order;
    bool identity;
    Byte map[5][256];

    explicit Renaming(const Order &to) : order(to), identity(std::is_sorted(to.begin(), to.end()))
    {
        for (unsigned byte = 0; byte < 256; ++byte) {
            for (auto &table : map) {
                table[byte] = static_cast<Byte>(byte);
            }
            if (byte < kNodes) {
                map[kNode][byte] = to[byte];
            }
            const MachineID id = machine_of(static_cast<Byte>(byte));
            if (id.type < MachineType_NUM && is_per_node(id.type) && id.num < kNodes) {
                map[kMachine][byte] = byte_of({id.type, to[id.num]});
            }
            map[kSet][byte] = 0;
            for (unsigned node = 0; node < kNodes; ++node) {
                map[kSet][byte] |= (byte >> node & 1) << to[node];
            }
            if (byte >= kPending && byte < kPending + kNodes * 8) {
                map[kData][byte] =
                    static_cast<Byte>(kPending + to[(byte - kPending) / 8] * 8 + byte % 8);
            }
        }
    }

    void
    apply(Byte *bytes, const Layout &layout) const
    {
        if (!identity) {
            layout.for_each_name(bytes,
                                 [&](unsigned at, Kind kind) { bytes[at] = map[kind][bytes[at]]; });
        }
    }
};

class Codec
{
  public:
    explicit Codec(Machine &machine) : machine_(machine)
    {
        KindLister common;
        common("", world.memory);
        std::fill(common.kinds.begin(), common.kinds.end(), kData);
        common("", world.pending[kNodes]);
        common("", machine.single);
        common_ = Layout(common.kinds);
        KindLister node;
        node("", machine.node[0]);
        node("", world.pending[0]);
        node_ = Layout(node.kinds);
        Order order;
        std::iota(order.begin(), order.end(), Byte{0});
        do {
            renamings_.emplace_back(order);
        } while (std::next_permutation(order.begin(), order.end()));
    }

    // The working machine as bytes, in the form that stands for all; says which order that is.
    const Renaming &
    pack(State &to)
    {
        settle_values();
        if (kNodes == 1) {
            emit(renamings_[0], to);
            return renamings_[0];
        }
        sign();
        const Renaming *best = nullptr;
        for (const Renaming &renaming : renamings_) {
            if (!sorted(renaming.order)) {
                continue;
            }
            emit(renaming, best == nullptr ? to : other_);
            if (best == nullptr) {
                best = &renaming;
            } else if (std::memcmp(other_.bytes, to.bytes, to.size) < 0) {
                std::memcpy(to.bytes, other_.bytes, to.size);
                best = &renaming;
            }
        }
        return *best;
    }

    void
    unpack(const State &from)
    {
        Unpacker unpack(from.bytes);
        unpack("", world.memory);
        unpack("", world.pending[kNodes]);
        unpack("", machine_.single);
        for (unsigned node = 0; node < kNodes; ++node) {
            unpack("", machine_.node[node]);
            unpack("", world.pending[node]);
        }
        const std::size_t fixed = fixed_bytes();
        std::memcpy(before_, from.bytes, fixed);
        signed_before_ = {};
        world.count = static_cast<unsigned>((from.size - fixed) / sizeof(Travelling));
        std::memcpy(world.messages, from.bytes + fixed, world.count * sizeof(Travelling));
    }

    std::size_t
    fixed_bytes() const
    {
        return common_.size() + kNodes * node_.size();
    }

    // The settled bytes back into the working machine, nodes as they were.
    void
    settle_machine()
    {
        State state;
        emit(renamings_[0], state);
        unpack(state);
    }

    // The working machine into raw_, tokens renamed at the end of a step.
    void
    settle_values()
    {
        Packer pack(raw_);
        pack("", world.memory);
        pack("", world.pending[kNodes]);
        pack("", machine_.single);
        for (unsigned node = 0; node < kNodes; ++node) {
            Packer pack(block(node));
            if (touched(node)) {
                machine_.node[node].forget();
                pack("", machine_.node[node]);
            } else {
                std::memcpy(block(node), block_before(node), node_.size());
                pack = Packer(block(node) + node_.size() - sizeof world.pending[node]);
            }
            pack("", world.pending[node]);
        }
        if (!world.changed) {
            return;
        }
        const auto settle = [](Byte *bytes, const Layout &layout) {
            layout.for_each_name(bytes, [bytes](unsigned at, Kind kind) {
                if (kind == kData) {
                    bytes[at] = world.settled(bytes[at]);
                }
            });
        };
        settle(raw_, common_);
        for (unsigned node = 0; node < kNodes; ++node) {
            settle(block(node), node_);
        }
        for (unsigned i = 0; i < world.count; ++i) {
            Travelling &m = world.messages[i];
            settle(reinterpret_cast<Byte *>(&m), message_types()[m.type].layout);
        }
    }

  private:
    // Whether a node's machines may have changed since it was unpacked.
    static bool
    touched(unsigned node)
    {
        return (world.touched >> node & 1) != 0;
    }

    Byte *
    block(unsigned node)
    {
        return raw_ + common_.size() + node * node_.size();
    }

    const Byte *
    block_before(unsigned node) const
    {
        return before_ + common_.size() + node * node_.size();
    }

    // What the bytes of one node, or of another part, say of each node.
    using Signs = std::array<std::uint64_t, kNodes>;

    // A node's signature is the sum of what all parts say of it: hashes of where it is named, and
    // by what; of itself a node also tells its own plain bytes.
    void
    sign()
    {
        signature_ = {};
        for (unsigned node = 0; node < kNodes; ++node) {
            if (touched(node) || world.changed) {
                add(signs_of_node(block(node), node));
            } else {
                if (!signed_before_[node]) {
                    signs_before_[node] = signs_of_node(block_before(node), node);
                    signed_before_[node] = true;
                }
                add(signs_before_[node]);
            }
        }
        mention(raw_, common_, 1, kNodes, signature_);
        for (unsigned i = 0; i < world.count; ++i) {
            const Travelling &m = world.messages[i];
            const auto *bytes = reinterpret_cast<const Byte *>(&m);
            const Layout &layout = message_types()[m.type].layout;
            std::uint64_t hash = 0;
            for (std::size_t at = 0; at < sizeof m; at += 8) {
                hash = mix(hash, load64(bytes + at) & load64(&layout.plain_mask[at]));
            }
            mention(bytes, layout, hash, kNodes, signature_);
        }
    }

    void
    add(const Signs &signs)
    {
        for (unsigned node = 0; node < kNodes; ++node) {
            signature_[node] += signs[node];
        }
    }

    Signs
    signs_of_node(const Byte *bytes, unsigned node) const
    {
        std::uint64_t hash = 0;
        std::size_t i = 0;
        for (; i + 8 <= node_.size(); i += 8) {
            hash = mix(hash, load64(bytes + i) & load64(&node_.plain_mask[i])) + i;
        }
        for (; i < node_.size(); ++i) {
            hash = hash * 0x100000001B3ULL + (bytes[i] & node_.plain_mask[i]);
        }
        Signs signs{};
        signs[node] = hash;
        mention(bytes, node_, hash, node, signs);
        return signs;
    }

    void
    mention(const Byte *bytes, const Layout &layout, std::uint64_t where, unsigned by,
            Signs &signs) const
    {
        layout.for_each_name(bytes, [&](unsigned at, Kind kind) {
            const Byte byte = bytes[at];
            switch (kind) {
                case kNode:
                    if (byte < kNodes) {
                        signs[byte] += mix(where + at, byte == by);
                    }
                    break;
                case kMachine: {
                    const unsigned node = byte & 15;
                    if (node < kNodes && is_per_node(machine_of(byte).type)) {
                        signs[node] += mix(where + at, (byte & 0xf0) + (node == by));
                    }
                    break;
                }
                case kSet:
                    for (unsigned node = 0; node < kNodes; ++node) {
                        if (byte >> node & 1) {
                            signs[node] += mix(where + at, 7u + (node == by));
                        }
                    }
                    break;
                case kData:
                    if (byte >= kPending && byte < kPending + kNodes * 8) {
                        const unsigned node = (byte - kPending) / 8u;
                        signs[node] += mix(where + at, 9u + (node == by));
                    } else if (by < kNodes) {
                        signs[by] += mix(where + at, 16u + byte);
                    }
                    break;
                case kPlain:
                    break;
            }
        });
    }

    // Whether an order lists nodes by their signatures.
    bool
    sorted(const Order &order) const
    {
        std::array<std::uint64_t, kNodes> listed;
        for (unsigned node = 0; node < kNodes; ++node) {
            listed[order[node]] = signature_[node];
        }
        return std::is_sorted(listed.begin(), listed.end());
    }

    void
    emit(const Renaming &renaming, State &to) const
    {
        std::memcpy(to.bytes, raw_, common_.size());
        renaming.apply(to.bytes, common_);
        for (unsigned node = 0; node < kNodes; ++node) {
            Byte *block = to.bytes + common_.size() + renaming.order[node] * node_.size();
            std::memcpy(block, raw_ + common_.size() + node * node_.size(), node_.size());
            renaming.apply(block, node_);
        }
        Byte *at = to.bytes + fixed_bytes();
        for (unsigned i = 0; i < world.count; ++i) {
            Travelling m = world.messages[i];
            renaming.apply(reinterpret_cast<Byte *>(&m), message_types()[m.type].layout);
            Byte *place = at + i * sizeof m; // insertion sort: there are few
            while (place != at && std::memcmp(place - sizeof m, &m, sizeof m) > 0) {
                std::memcpy(place, place - sizeof m, sizeof m);
                place -= sizeof m;
            }
            std::memcpy(place, &m, sizeof m);
        }
        at += world.count * sizeof(Travelling);
        std::memset(at, 0, 16);
        to.size = static_cast<std::uint16_t>(at - to.bytes);
    }

    Machine &machine_;
    Layout common_;
    Layout node_;
    std::vector<Renaming> renamings_;
    Signs signature_{};
    Byte raw_[kMaxStateBytes];
    Byte before_[kMaxStateBytes]; // as it was unpacked, without messages
    std::array<Signs, kNodes> signs_before_{};
    std::array<bool, kNodes> signed_before_{};
    State other_;
};

} // namespace homeshift::engine

#endif // HOMESHIFT_CHECKER_STATE_HH
