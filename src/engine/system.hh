// SPDX-License-Identifier: BSD-3-Clause
//
// The machine: nodes with cores, private caches, a home agent, memory and a DMA,
// joined by the network; and the VMs that run on it.

#ifndef HOMESHIFT_ENGINE_SYSTEM_HH
#define HOMESHIFT_ENGINE_SYSTEM_HH

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "engine/dram.hh"
#include "engine/migration_engine.hh"
#include "engine/network.hh"
#include "engine/rogue.hh"
#include "engine/sequencer.hh"
#include "engine/structures.hh"
#include "engine/system_spec.hh"
#include "engine/vm.hh"
#include "protocol.hh"

namespace homeshift::engine
{

// A run cannot go on: work is left, but nothing happens any more.
class DeadlockError : public std::runtime_error
{
    using std::runtime_error::runtime_error;
};

// A probe was refused.
class AccessFaultError : public std::runtime_error
{
    using std::runtime_error::runtime_error;
};

// Of Python's threads, one at a time is in a system: now() and events() may be asked by all, but
// whatever else another thread calls while this one runs is refused.
class System
{
  public:
    static constexpr Cycle kForever = ~Cycle{0};

    explicit System(const SystemSpec &spec);
    System(const System &) = delete;
    System &operator=(const System &) = delete;
    ~System();

    Cycle
    now() const
    {
        return queue_->now();
    }

    std::uint64_t
    events() const
    {
        return queue_->fired();
    }

    // Before anything runs: the regions that hold these addresses are homed at a node. What the
    // nodes believe is then kept once for all of them.
    void place_homes(const std::vector<Addr> &addresses, unsigned node);

    // One vCPU a stream; returns the VM's number. An intruder is for tests: its stores take lines
    // to write, but leave their data as it is, and its loads are not checked.
    unsigned add_vm(std::vector<std::uint64_t> frames,
                    std::vector<std::unique_ptr<RequestStream>> streams, bool intruder = false);

    // Let a VM's vCPUs run on these cores (numbered through the nodes).
    void start_vm(unsigned vm, const std::vector<unsigned> &cores);

    // No new accesses from now on; see wait() for the end of those under way.
    void begin_stop_vm(unsigned vm);

    void run(Cycles cycles);

    // Run until something ends that somebody may wait for: a job, a VM's last access after a stop;
    // or a VM waits for a page; or the cycle `until` comes.
    void wait(Cycle until);

    // Give a node's migration engine a job: it begins now, while VMs run on. A region is named by
    // an address in it. The owner is a VM's number, or 0. Returns the job's number.
    Job copy(unsigned node, const std::vector<Addr> &sources, const std::vector<Addr> &targets,
             std::uint64_t bytes_each, unsigned owner = 0, JobQueue::Pace pace = {});
    // fenced: a node that loses its right to the regions with the transfer.
    Job transfer(unsigned node, std::vector<Addr> regions, unsigned new_home, unsigned owner = 0,
                 std::optional<unsigned> fenced = {});
    // Take a node's right to regions, wherever they have their homes.
    Job fence(unsigned node, std::vector<Addr> regions, unsigned fenced, unsigned owner = 0);
    std::uint64_t left(Job job) const;

    // Forget what of a job has not begun, take back the transfers that are under way.
    void cancel(Job job);

    // The node whose agent is home of an address; nodes().size() while the region is between two.
    unsigned home_of(Addr address) const;

    // These pages of a VM are in these frames from now on.
    void map_pages(unsigned vm, const std::vector<std::uint64_t> &pages,
                   const std::vector<std::uint64_t> &frames);

    // One access of an idle core; returns its latency in cycles.
    Cycles probe(unsigned core, Addr address, bool write);

    // For tests: what takes the place of a core's cache, which must not have been used.
    Rogue &rogue(unsigned core);
    void forge(unsigned core, const std::string &request, Addr address, unsigned home,
               std::uint64_t value, unsigned other);

    // Ends what is under way, and finds that all is as it should be then (audit.hh). To be asked
    // when the VMs are stopped. Throws ProtocolError.
    void audit();

    // The system's parts: for something short, during which a thread keeps the interpreter's lock.
    // So it is enough that no other is in here when it asks.
    Vm &
    vm(unsigned number)
    {
        enter();
        return *vms_.at(number);
    }

    const SystemSpec &
    spec() const
    {
        return spec_;
    }

    struct Node
    {
        std::unique_ptr<HomeTable> home_table;
        std::unique_ptr<HomeDirectory> directory;
        std::unique_ptr<CacheMemory> slc;
        std::unique_ptr<MigrationEngine> engine;
        std::unique_ptr<Dram> dram;
        std::unique_ptr<Directory_Controller> home;
        std::unique_ptr<Memory_Controller> memory;
        std::unique_ptr<DMA_Controller> dma;
    };

    struct Core
    {
        std::unique_ptr<Sequencer> sequencer;
        std::unique_ptr<CacheMemory> cache;
        std::unique_ptr<L1Cache_Controller> controller;
    };

    const std::vector<Node> &
    nodes() const
    {
        enter();
        return nodes_;
    }

    const std::vector<Core> &
    cores() const
    {
        enter();
        return cores_;
    }

    Network &
    network() const
    {
        enter();
        return *network_;
    }

    std::vector<const Controller *> controllers() const;

    // Called now and then while time passes, if it is set; may throw.
    std::function<void()> look_up;

    // Note so many single messages from now on; close: no new ones from now on; take: what has
    // arrived, and no more from then on.
    void open_message_log(std::size_t most);
    void close_message_log();
    std::vector<MessageLog::Note> take_message_log();

    void reset_statistics();

  private:
    void add_node(unsigned number, const Context &context);
    void add_core(const Node &node, const Context &context);
    void require_memory(Addr address, std::uint64_t bytes) const;
    void require_node(unsigned node) const;
    void require_owner(unsigned owner) const;
    std::unique_lock<std::recursive_mutex> enter() const;
    void name_by_base(std::vector<Addr> &addresses) const;
    void run_on(Cycle end, const bool *stop);
    std::uint64_t progress() const;

    SystemSpec spec_;
    const Cycles patience_;
    HomeMap homes_; // at first
    std::unique_ptr<EventQueue> queue_;
    std::unique_ptr<Network> network_;
    std::unique_ptr<MessageLog> message_log_;
    std::vector<Node> nodes_;
    std::vector<Core> cores_;
    std::vector<std::unique_ptr<Vm>> vms_;
    std::map<unsigned, std::unique_ptr<Rogue>> rogues_;
    Job last_job_ = 0;
    bool stop_ = false;
    mutable std::recursive_mutex in_use_; // a signal's handler may do what its thread is about to
};

} // namespace homeshift::engine

#endif // HOMESHIFT_ENGINE_SYSTEM_HH
