// SPDX-License-Identifier: BSD-3-Clause
//
// A virtual machine: vCPUs that replay request streams, and its memory, on the cores of
// this engine.

#ifndef HOMESHIFT_ENGINE_VM_HH
#define HOMESHIFT_ENGINE_VM_HH

#include <algorithm>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <vector>

#include "common/access.hh"
#include "common/guest_memory.hh"
#include "common/stage2_table.hh"
#include "common/vcpu_loop.hh"
#include "engine/event_queue.hh"
#include "engine/sequencer.hh"
#include "engine/types.hh"

namespace homeshift::engine
{

// A load did not return the last value written.
class DataError : public std::runtime_error
{
    using std::runtime_error::runtime_error;
};

class Vm;

// On the core that it is started on.
class Vcpu final : public CoreUser, public VcpuLoop<Vcpu>
{
  public:
    Vcpu(Vm &vm, EventQueue &queue, std::unique_ptr<RequestStream> stream,
         unsigned max_outstanding);

    void start(Sequencer *core);
    void stop();

    void wake_up() override;
    void load_done(Addr line, const DataBlock &data, bool remote) override;
    void store_done(Addr line, DataBlock &data, bool remote) override;
    void access_refused(Addr line) override;

    std::uint64_t loads = 0;
    std::uint64_t stores = 0;
    std::uint64_t remotes = 0; // of these, how many needed another node
    std::uint64_t faults = 0;  // accesses that were refused: neither loads nor stores
    std::uint64_t latency = 0; // cycles, summed over all of them
    std::uint64_t blocked = 0; // cycles in which it waited for a missing page

  private:
    friend class VcpuLoop<Vcpu>;

    Cycle
    now() const
    {
        return queue_.now();
    }

    bool
    can_issue() const
    {
        return true;
    }

    void
    issue(Addr address, bool write)
    {
        core_->issue(address, write);
    }

    void
    wake_at(Cycle when)
    {
        core_->wake_at(std::min(when, core_->wake()));
    }

    Vm &
    memory()
    {
        return vm_;
    }

    void missing_page(std::uint64_t page);
    void blocked_for(Cycles cycles);
    void go_on(const Done &done, bool remote);
    [[gnu::noinline]] void go_on_watched(const Done &done, bool remote);

    Vm &vm_;
    EventQueue &queue_;
    Sequencer *core_ = nullptr;
};

class Vm : public GuestMemory
{
  public:
    // intruder: leaves the data of lines that it stores to as it is, and its loads are not checked.
    Vm(Stage2Table table, bool check, bool intruder, EventQueue &queue)
        : GuestMemory(std::move(table), check && !intruder), queue_(queue), intruder_(intruder)
    {}

    Vcpu &
    add_vcpu(std::unique_ptr<RequestStream> stream, unsigned max_outstanding)
    {
        vcpus_.push_back(std::make_unique<Vcpu>(*this, queue_, std::move(stream), max_outstanding));
        return *vcpus_.back();
    }

    const std::vector<std::unique_ptr<Vcpu>> &
    vcpus() const
    {
        return vcpus_;
    }

    void start(const std::vector<Sequencer *> &cores);
    void stop();
    bool drained() const;
    std::uint64_t accesses() const;

    void throttle(Cycles slice, Cycles awake);

    // No access to these pages from now on; those under way still end.
    void await(const Pages &pages);
    bool quiet(const Pages &pages) const;
    void map_pages(const Pages &pages, const Pages &frames);

    // Note the page of every `every`-th access that needs another node; 0: none.
    void sample(std::uint64_t every);

    void reset_statistics();

    bool *stop_run = nullptr; // set when it is drained after a stop, and when somebody has to look
                              // at a missing page

  private:
    friend class Vcpu;

    void
    load(Addr guest, const DataBlock &data)
    {
        if (!is_last(guest, data.token)) {
            fail(guest, data);
        }
    }

    void
    store(Addr guest, DataBlock &data)
    {
        if (!intruder_) {
            data.token = ++last_token_;
            stored(guest, data.token);
        }
    }

    [[noreturn, gnu::cold]] void fail(Addr guest, const DataBlock &data);
    void look_at(Addr guest, bool remote);
    void end_wait();
    void watch_or_not();

    EventQueue &queue_;
    bool watched_ = false; // single accesses matter
    bool intruder_;
    bool stopping_ = false;
    std::uint64_t last_token_ = 0;
    std::vector<std::unique_ptr<Vcpu>> vcpus_;
};

} // namespace homeshift::engine

#endif // HOMESHIFT_ENGINE_VM_HH
