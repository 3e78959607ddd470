// SPDX-License-Identifier: BSD-3-Clause
//
// The bookkeeping of values. The protocol only copies data, so it is enough to know of
// each copy whether it is the line's last value. A store makes a fresh value; when the
// step is over, what was the last value counts as stale, and the fresh one as the last.
// A DMA's new value is pending until memory is written with it: that is the moment when
// it becomes the last value. While a DMA reads, what was the last value since then is
// told from what is older: the DMA may still get it.

#ifndef HOMESHIFT_CHECKER_VALUES_HH
#define HOMESHIFT_CHECKER_VALUES_HH

#include "checker/terms.hh"

namespace homeshift::engine
{

enum Token : Byte
{
    kStale = 0,
    kLast = 1,     // + line
    kRecent = 16,  // + line
    kPending = 32, // + node * 8 + line; node is kNodes if the DMA is not in a node
    kFresh = 112,  // + number
};
static_assert(kPending + (kNodes + 1) * 8 <= kFresh);

struct Values
{
    // ---- part of the state ----
    Byte memory[kLines];                // a token each
    bool pending[kNodes + 1][kLines]{}; // a DMA's write that has not reached memory

    // ---- of the step under way ----
    Byte last[kLines];    // token of each line's last value
    unsigned fresh = 0;   // stores of this step
    bool changed = false; // some token has to be settled
    unsigned readers = 0; // DMA reads under way: recent values matter

    void
    begin_values()
    {
        for (unsigned line = 0; line < kLines; ++line) {
            last[line] = static_cast<Byte>(kLast + line);
        }
        fresh = 0;
        changed = false;
    }

    void
    loaded(Addr address, const DataBlock &data) const
    {
        const unsigned line = line_of(address);
        if (data.token != last[line]) {
            throw ProtocolError("data value: a load of line " + std::to_string(line) +
                                " returns a value that is not the last one written");
        }
    }

    // A core writes a part of the line: what it does not write has to be right.
    void
    stored(Addr address, DataBlock &data)
    {
        if (data.token != last[line_of(address)]) {
            throw ProtocolError("data value: a store to line " + std::to_string(line_of(address)) +
                                " finds a value that is not the last one written");
        }
        data.token = last[line_of(address)] = static_cast<Byte>(kFresh + fresh++);
        changed = true;
    }

    // A DMA has read a value.
    void
    read_by_dma(Addr address, const DataBlock &data) const
    {
        const unsigned line = line_of(address);
        if (data.token != last[line] && data.token != kLast + line &&
            data.token != kRecent + line) {
            throw ProtocolError("data value: a DMA reads a value of line " + std::to_string(line) +
                                " that was old before the read began");
        }
    }

    void
    write_memory(Addr address, const DataBlock &data)
    {
        const unsigned line = line_of(address);
        memory[line] = static_cast<Byte>(data.token);
        if (data.token >= kPending && data.token < kFresh) {
            bool &is_pending = pending[(data.token - kPending) / 8][line];
            if (!is_pending) {
                throw ProtocolError("data value: a DMA's write is done twice, or was refused");
            }
            is_pending = false;
            last[line] = memory[line];
            changed = true;
        }
    }

    // A DMA goes on to write: to the protocol, whatever it writes is a new value.
    void
    begin_write(unsigned node, const NewValue &value)
    {
        pending[node][line_of(value.written_to)] = true;
        value.data->token = kPending + node * 8 + line_of(value.written_to);
    }

    // A DMA is told that nothing is written.
    void
    write_refused(unsigned node)
    {
        std::fill(pending[node], pending[node] + kLines, false);
    }

    void
    write_done(unsigned node) const
    {
        if (std::find(pending[node], pending[node] + kLines, true) != pending[node] + kLines) {
            throw ProtocolError("data value: a DMA's write ends before memory has the value");
        }
    }

    // What a token is called after the step.
    Byte
    settled(Byte token) const
    {
        for (unsigned line = 0; line < kLines; ++line) {
            if (token == last[line]) {
                return static_cast<Byte>(kLast + line);
            }
            if (token == kLast + line || token == kRecent + line) {
                return static_cast<Byte>(readers != 0 ? kRecent + line : 0);
            }
        }
        return token < kFresh ? token : Byte{kStale};
    }
};

} // namespace homeshift::engine

#endif // HOMESHIFT_CHECKER_VALUES_HH
