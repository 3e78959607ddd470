// SPDX-License-Identifier: BSD-3-Clause
//
// Who asks: cores and devices. A core has at most one request for a line under way, and
// a device one at all. The runtime that includes this has the `world`, and says of what
// a core gets an access fault.

#ifndef HOMESHIFT_CHECKER_SEQUENCER_HH
#define HOMESHIFT_CHECKER_SEQUENCER_HH

#include "checker/terms.hh"

namespace homeshift::engine
{

// Messages of a type that wait in machines of a node for an address.
template <typename M, typename Holds>
unsigned
waiting_there(unsigned node, Holds holds)
{
    unsigned sum = 0;
    for (unsigned i = 0; i < world.count; ++i) {
        const Travelling &t = world.messages[i];
        if (t.place == kStalled && t.type == message_type<M> && machine_of(t.machine).num == node) {
            sum += holds(static_cast<M &>(*message_types()[t.type].decode(t.body)));
        }
    }
    return sum;
}

// What a core or a device waits for, of a line.
enum Waiting : Byte
{
    kNothing,
    kLoad,
    kStore
};

class Asking
{
  public:
    bool
    idle() const
    {
        return std::count(waiting_, waiting_ + kLines, kNothing) == kLines;
    }

    bool
    idle(unsigned line) const
    {
        return waiting_[line] == kNothing;
    }

    void
    ask(unsigned line, Waiting what)
    {
        waiting_[line] = what;
    }

    template <typename Visit>
    void
    for_each_variable(Visit &visit)
    {
        visit("waiting", waiting_);
    }

  protected:
    void
    answered(Addr address, Waiting what)
    {
        const unsigned line = place_for(address, "an answer");
        if (waiting_[line] != what) {
            throw ProtocolError("an answer that was not asked for");
        }
        waiting_[line] = kNothing;
    }

  private:
    Waiting waiting_[kLines] = {};
};

class Sequencer : public Asking
{
  public:
    template <typename... Details>
    void
    readCallback(Addr address, DataBlock &data, Details...)
    {
        answered(address, kLoad);
        if (!faulted(address)) {
            world.loaded(address, data);
        }
    }

    template <typename... Details>
    void
    writeCallback(Addr address, DataBlock &data, Details...)
    {
        answered(address, kStore);
        if (!faulted(address)) {
            world.stored(address, data);
        }
    }

    void
    evictionCallback(Addr)
    {}
};

class DMASequencer : public Asking
{
  public:
    unsigned node = kNodes;

    void
    dataCallback(const DataBlock &data, Addr address)
    {
        answered(address, kLoad);
        world.read_by_dma(address, data);
    }

    void
    ackCallback(Addr address)
    {
        answered(address, kStore);
        world.write_done(node);
    }
};

} // namespace homeshift::engine

#endif // HOMESHIFT_CHECKER_SEQUENCER_HH
