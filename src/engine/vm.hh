// SPDX-License-Identifier: BSD-3-Clause
//
// A virtual machine: vCPUs that replay request streams, and a stage-2 table. It
// knows, if asked to check, the last value of each of its lines in the order in
// which stores happened, and holds every load against it.

#ifndef HOMESHIFT_ENGINE_VM_HH
#define HOMESHIFT_ENGINE_VM_HH

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <vector>

#include "common/access.hh"
#include "common/flat_map.hh"
#include "common/stage2_table.hh"
#include "engine/event_queue.hh"
#include "engine/line_table.hh"
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

// A closed loop: up to max_outstanding accesses under way, issued in order, each
// its gap after the one before; never two to one line.
class Vcpu final : public CoreUser
{
  public:
    Vcpu(Vm &vm, EventQueue &queue, std::unique_ptr<RequestStream> stream,
         unsigned max_outstanding);

    void start(Sequencer *core);
    void stop();

    // Issue only in the first `awake` of every `slice` cycles; awake = slice: always.
    void throttle(Cycles slice, Cycles awake);

    // A missing page has arrived.
    void look_again();

    bool
    drained() const
    {
        return outstanding_.size() == 0;
    }

    bool
    waits_for_page() const
    {
        return waits_for_page_;
    }

    bool uses(std::uint64_t page) const;

    void wake_up() override;
    void load_done(Addr line, const DataBlock &data) override;
    void store_done(Addr line, DataBlock &data) override;
    void access_refused(Addr line) override;

    std::uint64_t loads = 0;
    std::uint64_t stores = 0;
    std::uint64_t faults = 0;  // accesses that were refused: neither loads nor stores
    std::uint64_t latency = 0; // cycles, summed over all of them
    std::uint64_t blocked = 0; // cycles in which it waited for a missing page

  private:
    struct Outstanding
    {
        Addr guest;
        Cycle issued;
    };

    void issue_some();
    bool asleep();
    bool waits_for(std::uint64_t page);
    Outstanding take(Addr line);
    void wake_at(Cycle when);

    Vm &vm_;
    EventQueue &queue_;
    std::unique_ptr<RequestStream> stream_;
    Sequencer *core_ = nullptr;
    bool running_ = false;
    Access next_{};
    bool have_next_ = false;
    bool waits_for_page_ = false;
    Cycle blocked_since_ = 0;
    Cycle ready_at_ = 0;
    Cycles slice_ = 1;
    Cycles awake_ = 1;
    std::size_t max_outstanding_;
    LineTable<Outstanding> outstanding_;
};

class Vm
{
  public:
    Vm(Stage2Table table, bool check, bool intruder, EventQueue &queue)
        : table(std::move(table)), queue_(queue), check_(check && !intruder), intruder_(intruder)
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

    void
    loaded(Addr guest, const DataBlock &data)
    {
        if (check_) {
            check_load(guest, data);
        }
    }

    void
    stored(Addr guest, DataBlock &data)
    {
        if (intruder_) {
            return;
        }
        data.token = ++last_token_;
        table.mark_dirty(guest);
        if (check_) {
            latest_.set(guest >> kLineShift, data.token);
        }
    }

    void throttle(Cycles slice, Cycles awake);

    // ---- where pages are ----

    // No access to these pages from now on; those under way still end.
    void await(const std::vector<std::uint64_t> &pages);
    bool quiet(const std::vector<std::uint64_t> &pages) const;
    void map_pages(const std::vector<std::uint64_t> &pages,
                   const std::vector<std::uint64_t> &frames);

    // The missing pages that were touched since this was last asked, in order.
    std::vector<std::uint64_t> take_faults();

    // Cycles in which every vCPU waited for a missing page.
    Cycles all_blocked(Cycle now) const;

    // ---- samples of accesses ----

    // Note the page of every `every`-th access that took longer than `slower_than` cycles; 0: none.
    void sample(std::uint64_t every, Cycles slower_than);
    std::vector<std::uint64_t> take_samples();

    void reset_statistics();

    Stage2Table table;
    bool *stop_run = nullptr; // set when it is drained after a stop, and when somebody has to look
                              // at a missing page

  private:
    friend class Vcpu;

    void
    access_done(Addr guest, Cycles latency)
    {
        if (watched_) {
            look_at(guest, latency);
        }
    }

    void look_at(Addr guest, Cycles latency);
    void check_load(Addr guest, const DataBlock &data);
    void fault(std::uint64_t page);
    void count_blocked(Cycle now);
    void watch_or_not();

    EventQueue &queue_;
    bool watched_ = false; // single accesses matter
    bool check_;
    bool intruder_; // leaves the data of lines that it stores to as it is
    std::uint64_t missing_ = 0;
    std::vector<std::uint64_t> faults_;
    bool all_blocked_ = false;
    Cycle all_blocked_since_ = 0;
    Cycles all_blocked_cycles_ = 0;
    std::uint64_t sample_every_ = 0;
    Cycles sample_slower_than_ = 0;
    std::uint64_t sample_seen_ = 0;
    std::vector<std::uint64_t> samples_;
    bool stopping_ = false;
    std::uint64_t last_token_ = 0;
    FlatMap<std::uint64_t> latest_; // by guest line
    std::vector<std::unique_ptr<Vcpu>> vcpus_;
};

} // namespace homeshift::engine

#endif // HOMESHIFT_ENGINE_VM_HH
