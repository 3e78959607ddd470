// SPDX-License-Identifier: BSD-3-Clause

#include "engine/system.hh"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>

#include "engine/audit.hh"

namespace homeshift::engine
{

namespace
{

constexpr Cycles kBetweenLooks = 20'000;         // some 10 ms on the host, if all cores miss
constexpr Tick kLongestInterval = Tick{1} << 62; // of lines of a copy, in ps: can be added to now

// Hears the answer to a probe that has failed in the meantime.
class Nobody final : public CoreUser
{
    void
    load_done(Addr, const DataBlock &, bool) override
    {}

    void
    store_done(Addr, DataBlock &, bool) override
    {}

    void
    access_refused(Addr) override
    {}
};

Nobody nobody;

// Has a core to itself, and holds all others back, while it is there.
class Probe final : public CoreUser
{
  public:
    Probe(Sequencer &core, EventQueue &queue, bool &stop)
        : core_(core), queue_(queue), stop_(stop), before_(std::exchange(core.user, this))
    {
        queue.hold_back();
        stop = false;
    }

    ~Probe()
    {
        stop_ = false;
        queue_.let_go();
        core_.user = before_;
    }

    void
    load_done(Addr, const DataBlock &, bool) override
    {
        stop_ = true;
    }

    void
    store_done(Addr, DataBlock &, bool) override
    {
        stop_ = true;
    }

    void
    access_refused(Addr) override
    {
        refused = true;
        stop_ = true;
    }

    bool refused = false;

  private:
    Sequencer &core_;
    EventQueue &queue_;
    bool &stop_;
    CoreUser *before_;
};

} // namespace

System::System(const SystemSpec &spec)
    : spec_(check(spec)),
      patience_(patience(spec)),
      homes_(spec.all_memory_bytes(), spec.memory_bytes, spec.region_bytes),
      queue_(std::make_unique<EventQueue>())
{
    const unsigned count = spec.network.nodes;
    network_ = std::make_unique<Network>(spec.network, *queue_, spec.cores_per_node);
    const Context context{queue_.get(), network_.get(), spec.memory_bytes};
    if (spec.run_ahead) {
        queue_->set_lookahead(network_->least_within_node(), network_->least_between_nodes());
    }
    queue_->set_runners_per_node(spec.cores_per_node);
    nodes_.reserve(count);
    for (unsigned node = 0; node < count; ++node) {
        add_node(node, context);
    }
}

System::~System()
{
    // Events point to controllers: the queue goes first.
    queue_.reset();
}

void
System::add_node(unsigned number, const Context &context)
{
    const Addr all = spec_.all_memory_bytes();
    const unsigned hosts = spec_.network.nodes - spec_.pool_nodes;
    const bool pool = number >= hosts;
    Node node;
    node.home_table = std::make_unique<HomeTable>(homes_, number, spec_.cores_per_node,
                                                  hosts * spec_.cores_per_node, queue_->now());
    node.directory = std::make_unique<HomeDirectory>(all, homes_.region_shift());
    for (Addr region = number * spec_.memory_bytes; region < (number + 1) * spec_.memory_bytes;
         region += spec_.region_bytes) {
        node.directory->setHome(region, true);
    }
    node.slc =
        std::make_unique<CacheMemory>(spec_.slc_bytes, spec_.slc_associativity, all, queue_->now());
    node.engine =
        std::make_unique<MigrationEngine>(spec_.outstanding_lines, spec_.outstanding_transfers);
    node.dram = std::make_unique<Dram>(spec_.clock_period,
                                       pool ? spec_.pool_memory_latency : spec_.memory_latency,
                                       pool ? spec_.pool_line_time : spec_.line_time, spec_.check);

    Directory_Controller::Params home;
    home.slc = node.slc.get();
    home.directory = node.directory.get();
    home.home_table = node.home_table.get();
    home.home_latency = spec_.home_latency;
    home.slc_latency = spec_.slc_latency;
    node.home = std::make_unique<Directory_Controller>(
        context, createMachineID(MachineType_Directory, number), number, home);

    node.memory = std::make_unique<Memory_Controller>(
        context, createMachineID(MachineType_Memory, number), number, Memory_Controller::Params{});
    node.memory->memory_port = node.dram.get();
    node.dram->connect(node.memory.get(), Memory_Controller::port_memQueue_in, queue_.get());

    DMA_Controller::Params dma;
    dma.engine = node.engine.get();
    dma.home_table = node.home_table.get();
    node.dma = std::make_unique<DMA_Controller>(context, createMachineID(MachineType_DMA, number),
                                                number, dma);
    node.engine->connect(node.dma.get(), queue_.get(), spec_.clock_period);
    node.engine->stop_when_done = &stop_;

    for (unsigned i = 0; !pool && i < spec_.cores_per_node; ++i) {
        add_core(node, context);
    }
    network_->add(node.home->id(), node.home.get());
    network_->add(node.memory->id(), node.memory.get());
    network_->add(node.dma->id(), node.dma.get());
    nodes_.push_back(std::move(node));
}

void
System::add_core(const Node &node, const Context &context)
{
    const auto number = static_cast<NodeID>(cores_.size());
    Core core;
    core.sequencer = std::make_unique<Sequencer>();
    core.sequencer->user = &nobody;
    core.cache = std::make_unique<CacheMemory>(spec_.cache_bytes, spec_.cache_associativity,
                                               spec_.all_memory_bytes(), queue_->now());
    L1Cache_Controller::Params cache;
    cache.sequencer = core.sequencer.get();
    cache.cache = core.cache.get();
    cache.home_table = node.home_table.get();
    core.controller = std::make_unique<L1Cache_Controller>(
        context, createMachineID(MachineType_L1Cache, number), node.home->node(), cache);
    core.sequencer->connect(core.controller.get(), L1Cache_Controller::port_mandatory_in,
                            core.cache.get(), spec_.cache_latency, node.home_table.get(),
                            queue_.get());
    network_->add(core.controller->id(), core.controller.get());
    cores_.push_back(std::move(core));
}

// Throws if any of these bytes is beyond the memory of all nodes.
void
System::require_memory(Addr address, std::uint64_t bytes) const
{
    const std::uint64_t all = spec_.all_memory_bytes();
    if (address >= all || bytes > all - address) {
        throw std::out_of_range("address " + std::to_string(address) +
                                " is beyond the memory of all nodes");
    }
}

void
System::require_node(unsigned node) const
{
    if (node >= nodes_.size()) {
        throw std::invalid_argument("no such node");
    }
}

void
System::require_owner(unsigned owner) const
{
    if (owner != 0 && owner >= vms_.size()) {
        throw std::invalid_argument("no such VM");
    }
}

// Throws if another thread is here.
std::unique_lock<std::recursive_mutex>
System::enter() const
{
    std::unique_lock lock(in_use_, std::try_to_lock);
    if (!lock) {
        throw std::runtime_error("another thread runs this system");
    }
    return lock;
}

void
System::place_homes(const std::vector<Addr> &addresses, unsigned home)
{
    const auto lock = enter();
    require_node(home);
    for (Addr address : addresses) {
        require_memory(address, 1);
    }
    for (Addr address : addresses) {
        nodes_[homes_.lookup(address)].directory->setHome(address, false);
        nodes_[home].directory->setHome(address, true);
        homes_.set(address, home);
    }
    for (Node &node : nodes_) {
        node.home_table->place_all(homes_);
    }
}

unsigned
System::add_vm(std::vector<std::uint64_t> frames,
               std::vector<std::unique_ptr<RequestStream>> streams, bool intruder)
{
    const auto lock = enter();
    for (std::uint64_t frame : frames) {
        require_memory(frame, kPageBytes);
    }
    auto vm = std::make_unique<Vm>(Stage2Table(std::move(frames)), spec_.check, intruder, *queue_);
    for (auto &stream : streams) {
        vm->add_vcpu(std::move(stream), spec_.max_outstanding);
    }
    vm->stop_run = &stop_;
    vms_.push_back(std::move(vm));
    return static_cast<unsigned>(vms_.size() - 1);
}

void
System::start_vm(unsigned vm, const std::vector<unsigned> &cores)
{
    const auto lock = enter();
    std::vector<Sequencer *> sequencers;
    for (unsigned core : cores) {
        sequencers.push_back(cores_.at(core).sequencer.get());
    }
    vms_.at(vm)->start(sequencers);
}

void
System::begin_stop_vm(unsigned vm)
{
    const auto lock = enter();
    vms_.at(vm)->stop();
}

std::uint64_t
System::progress() const
{
    std::uint64_t sum = 0;
    for (const auto &vm : vms_) {
        sum += vm->accesses();
    }
    for (const Node &node : nodes_) {
        sum += node.engine->counts.sum();
    }
    return sum;
}

void
System::run(Cycles cycles)
{
    const auto lock = enter();
    const Cycle end = queue_->now() + cycles;
    while (queue_->now() < end) {
        run_on(end, nullptr);
    }
    for (const auto &vm : vms_) {
        if (queue_->empty() && !vm->drained()) {
            throw DeadlockError("deadlock: accesses of a VM wait, but nothing is under way");
        }
    }
}

void
System::wait(Cycle until)
{
    const auto lock = enter();
    while (!stop_ && queue_->now() < until) {
        if (queue_->empty() && until == kForever) {
            throw DeadlockError("deadlock: something is waited for, but nothing is under way");
        }
        run_on(until, &stop_);
    }
    stop_ = false;
}

// Run up to a cycle, but for a limited time only, and see to it that something is achieved.
void
System::run_on(Cycle end, const bool *stop)
{
    const std::uint64_t before = progress();
    const std::uint64_t fired = queue_->fired();
    const Cycle last = std::min(end, queue_->now() + patience_);
    while (queue_->now() < last && !(stop != nullptr && *stop)) {
        const Cycle pause = std::min(last, queue_->now() + kBetweenLooks);
        stop != nullptr ? queue_->run(pause, *stop) : queue_->run(pause);
        if (look_up) {
            look_up();
        }
    }
    // A vCPU may think for long, but then no event fires in vain either.
    const bool stopped = stop != nullptr && *stop;
    if (!stopped && queue_->now() < end && progress() == before && queue_->fired() != fired) {
        throw DeadlockError("deadlock: events fire, but no access, copy or transfer ends");
    }
}

Job
System::copy(unsigned node, const std::vector<Addr> &sources, const std::vector<Addr> &targets,
             std::uint64_t bytes_each, unsigned owner, JobQueue::Pace pace)
{
    const auto lock = enter();
    if (sources.size() != targets.size()) {
        throw std::invalid_argument("as many sources as targets are needed");
    }
    if (pace.line_interval > kLongestInterval) {
        throw std::invalid_argument("a line's interval is above 2^62 ps");
    }
    require_owner(owner);
    if (bytes_each == 0 || bytes_each % kLineBytes != 0) {
        throw std::invalid_argument("only whole lines can be copied");
    }
    for (const std::vector<Addr> *addresses : {&sources, &targets}) {
        for (Addr address : *addresses) {
            require_memory(address, bytes_each);
            if (address % kLineBytes != 0) {
                throw std::invalid_argument("only whole lines can be copied");
            }
        }
    }
    std::vector<JobQueue::Block> blocks;
    blocks.reserve(sources.size());
    for (std::size_t i = 0; i < sources.size(); ++i) {
        blocks.push_back({sources[i], targets[i], bytes_each});
    }
    nodes_.at(node).engine->copy(++last_job_, owner, std::move(blocks), pace);
    return last_job_;
}

Job
System::transfer(unsigned node, std::vector<Addr> regions, unsigned new_home, unsigned owner,
                 std::optional<unsigned> fenced)
{
    const auto lock = enter();
    require_node(new_home);
    require_node(fenced.value_or(0));
    require_owner(owner);
    name_by_base(regions);
    nodes_.at(node).engine->transfer(++last_job_, owner, std::move(regions), new_home, fenced);
    return last_job_;
}

Job
System::fence(unsigned node, std::vector<Addr> regions, unsigned fenced, unsigned owner)
{
    const auto lock = enter();
    require_node(fenced);
    require_owner(owner);
    name_by_base(regions);
    nodes_.at(node).engine->fence(++last_job_, owner, std::move(regions), fenced);
    return last_job_;
}

// From addresses in regions to the bases of the regions.
void
System::name_by_base(std::vector<Addr> &addresses) const
{
    for (Addr &address : addresses) {
        require_memory(address, 1);
        address = homes_.region(address);
    }
}

std::uint64_t
System::left(Job job) const
{
    const auto lock = enter();
    std::uint64_t left = 0; // a job is one node's
    for (const Node &node : nodes_) {
        left += node.engine->left(job);
    }
    return left;
}

void
System::cancel(Job job)
{
    const auto lock = enter();
    for (Node &node : nodes_) {
        node.engine->cancel(job);
    }
}

unsigned
System::home_of(Addr address) const
{
    const auto lock = enter();
    require_memory(address, 1);
    const auto home = std::find_if(nodes_.begin(), nodes_.end(), [address](const Node &node) {
        return node.directory->isHome(address);
    });
    return static_cast<unsigned>(home - nodes_.begin());
}

Cycles
System::probe(unsigned core, Addr address, bool write)
{
    const auto lock = enter();
    require_memory(address, 1);
    Sequencer &sequencer = *cores_.at(core).sequencer;
    const Cycle start = queue_->now();
    bool refused = false;
    {
        Probe user(sequencer, *queue_, stop_);
        sequencer.issue(address, write);
        queue_->run(start + patience_, stop_);
        if (!stop_) {
            throw DeadlockError("deadlock: a probe gets no answer");
        }
        refused = user.refused;
    }
    const Cycles latency = queue_->now() - start;
    queue_->run_dry(queue_->now() + patience_); // unblocks and acks
    if (refused) {
        throw AccessFaultError("access fault: the core's node has no right to the address");
    }
    return latency;
}

void
System::map_pages(unsigned vm, const std::vector<std::uint64_t> &pages,
                  const std::vector<std::uint64_t> &frames)
{
    const auto lock = enter();
    for (std::uint64_t frame : frames) {
        require_memory(frame, kPageBytes);
    }
    vms_.at(vm)->map_pages(pages, frames);
}

void
System::forge(unsigned core, const std::string &request, Addr address, unsigned home,
              std::uint64_t value, unsigned other)
{
    const auto lock = enter();
    require_memory(address, 1);
    require_node(home);
    require_node(other);
    rogue(core).ask(request, address, home, value, other);
}

Rogue &
System::rogue(unsigned core)
{
    const auto lock = enter();
    const Controller &cache = *cores_.at(core).controller;
    std::unique_ptr<Rogue> &rogue = rogues_[core];
    if (rogue == nullptr) {
        rogue = std::make_unique<Rogue>(*network_, cache.id());
    }
    return *rogue;
}

std::vector<const Controller *>
System::controllers() const
{
    const auto lock = enter();
    std::vector<const Controller *> all;
    for (const Core &core : cores_) {
        all.push_back(core.controller.get());
    }
    for (const Node &node : nodes_) {
        all.push_back(node.home.get());
        all.push_back(node.memory.get());
        all.push_back(node.dma.get());
    }
    return all;
}

void
System::audit()
{
    const auto lock = enter();
    if (!queue_->run_dry(queue_->now() + patience_)) {
        throw ProtocolError("audit: messages are under way though nothing is asked any more");
    }
    engine::audit(*this);
}

void
System::open_message_log(std::size_t most)
{
    const auto lock = enter();
    message_log_ = std::make_unique<MessageLog>(most, name_of);
    network_->watch(message_log_.get());
}

void
System::close_message_log()
{
    const auto lock = enter();
    if (message_log_) {
        message_log_->close();
    }
}

std::vector<MessageLog::Note>
System::take_message_log()
{
    const auto lock = enter();
    network_->watch(nullptr);
    const std::unique_ptr<MessageLog> log = std::move(message_log_);
    return log ? std::move(log->arrived) : std::vector<MessageLog::Note>();
}

void
System::reset_statistics()
{
    const auto lock = enter();
    network_->reset_statistics();
    for (const auto &vm : vms_) {
        vm->reset_statistics();
    }
    for (Core &core : cores_) {
        core.controller->reset_counts();
        core.cache->hits = core.cache->misses = 0;
    }
    for (Node &node : nodes_) {
        node.home->reset_counts();
        node.memory->reset_counts();
        node.dma->reset_counts();
        node.slc->hits = node.slc->misses = 0;
        node.dram->reset_counts();
        node.engine->counts = {};
        node.home_table->served_locally = node.home_table->served_remotely = 0;
    }
}

} // namespace homeshift::engine
