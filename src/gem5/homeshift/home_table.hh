// SPDX-License-Identifier: BSD-3-Clause
//
// A node's home table, a count of where the node's misses were served, and what is known of the
// answers that its cores are about to get.

#ifndef HOMESHIFT_GEM5_HOME_TABLE_HH
#define HOMESHIFT_GEM5_HOME_TABLE_HH

#include "base/statistics.hh"
#include "base/types.hh"
#include "common/answer_notes.hh"
#include "common/home_map.hh"
#include "mem/ruby/common/MachineID.hh"
#include "mem/ruby/common/NetDest.hh"
#include "mem/ruby/common/TypeDefines.hh"
#include "params/HomeTable.hh"
#include "sim/sim_object.hh"

namespace gem5
{

namespace ruby
{

class RubySystem;

class HomeTable : public SimObject, public ::homeshift::SharedHomeMap
{
  public:
    PARAMS(HomeTable);
    HomeTable(const Params &p);

    NodeID lookup(MachineID machine, Addr address) const;
    void set(MachineID machine, Addr address, NodeID home);

    // A core's miss is served. sender: who supplied the data; home: who ordered the request.
    void profileService(MachineID core, Addr line, MachineID sender, MachineID home);

    // What a node asks with: its caches and its DMA.
    NetDest machinesOf(NodeID node) const;

    // Somebody takes the notes of all answers to the node's cores; without that none are made.
    void
    noteAnswers()
    {
        notesAnswers = true;
    }

    // The answer that the core gets next for this line is an access fault.
    void accessFault(MachineID core, Addr line);

    // Whether the answer that a core of this node, counted within the node, gets for a line is a
    // fault; whether it took another node. The note is gone afterwards.
    bool takeFault(unsigned core, Addr line);
    bool takeRemote(unsigned core, Addr line);

  private:
    RubySystem *const system;
    const NodeID node;
    const unsigned coresPerNode;
    bool notesAnswers = false;
    ::homeshift::AnswerNotes faults;
    ::homeshift::AnswerNotes remote;

    struct Stats : public statistics::Group
    {
        Stats(statistics::Group *parent);
        statistics::Scalar servedLocally;
        statistics::Scalar servedRemotely;
    } stats;
};

} // namespace ruby
} // namespace gem5

#endif // HOMESHIFT_GEM5_HOME_TABLE_HH
