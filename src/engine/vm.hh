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
class Vcpu final : public Event, public CoreUser
{
  public:
    Vcpu(Vm &vm, EventQueue &queue, std::unique_ptr<RequestStream> stream,
         unsigned max_outstanding);

    void start(Sequencer *core);
    void stop();

    bool
    drained() const
    {
        return outstanding_.empty();
    }

    void fire() override;
    void load_done(Addr line, const DataBlock &data) override;
    void store_done(Addr line, DataBlock &data) override;
    void access_refused(Addr line) override;

    std::uint64_t loads = 0;
    std::uint64_t stores = 0;
    std::uint64_t faults = 0;  // accesses that were refused: neither loads nor stores
    std::uint64_t latency = 0; // cycles, summed over all of them

  private:
    struct Outstanding
    {
        Addr line;
        Addr guest;
        Cycle issued;
    };

    void issue_some();
    bool under_way(Addr line) const;
    Outstanding take(Addr line);
    void wake_at(Cycle when);

    Vm &vm_;
    EventQueue &queue_;
    std::unique_ptr<RequestStream> stream_;
    unsigned max_outstanding_;
    Sequencer *core_ = nullptr;
    bool running_ = false;
    bool waking_ = false;
    Access next_{};
    bool have_next_ = false;
    Cycle ready_at_ = 0;
    std::vector<Outstanding> outstanding_;
};

class Vm
{
  public:
    Vm(Stage2Table table, bool check, bool intruder)
        : table(std::move(table)), check_(check && !intruder), intruder_(intruder)
    {}

    Vcpu &
    add_vcpu(EventQueue &queue, std::unique_ptr<RequestStream> stream, unsigned max_outstanding)
    {
        vcpus_.push_back(std::make_unique<Vcpu>(*this, queue, std::move(stream), max_outstanding));
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

    void loaded(Addr guest, const DataBlock &data);
    void stored(Addr guest, DataBlock &data);

    Stage2Table table;
    bool *stop_when_drained = nullptr;

  private:
    friend class Vcpu;
    void access_done();

    bool check_;
    bool intruder_; // leaves the data of lines that it stores to as it is
    bool stopping_ = false;
    std::uint64_t last_token_ = 0;
    FlatMap<std::uint64_t> latest_; // by guest line
    std::vector<std::unique_ptr<Vcpu>> vcpus_;
};

} // namespace homeshift::engine

#endif // HOMESHIFT_ENGINE_VM_HH
