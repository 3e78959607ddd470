// SPDX-License-Identifier: BSD-3-Clause

#include "engine/vm.hh"

#include <algorithm>
#include <utility>

namespace homeshift::engine
{

Vcpu::Vcpu(Vm &vm, EventQueue &queue, std::unique_ptr<RequestStream> stream,
           unsigned max_outstanding)
    : VcpuLoop(std::move(stream), max_outstanding), vm_(vm), queue_(queue)
{}

void
Vcpu::start(Sequencer *core)
{
    if (core_ != nullptr) {
        core_->wake_at(kNever);
    }
    core_ = core;
    core_->user = this;
    go();
}

// Nor does its core wake up for an access that it will not issue.
void
Vcpu::stop()
{
    VcpuLoop::stop();
    if (core_ != nullptr) {
        core_->wake_at(kNever);
    }
}

void
Vcpu::wake_up()
{
    issue_some();
}

void
Vcpu::missing_page(std::uint64_t page)
{
    vm_.fault(page, now());
    vm_.count_blocked(vm_.vcpus(), now());
    vm_.end_wait();
}

void
Vcpu::blocked_for(Cycles cycles)
{
    blocked += cycles;
    vm_.count_blocked(vm_.vcpus(), now());
}

inline void
Vcpu::go_on(const Done &done, bool remote)
{
    remotes += remote; // the first: the others needed no other node
    latency += done.latency;
    vm_.watched_ ? go_on_watched(done, remote) : issue_some();
}

// Apart, so that the host need not come back from issue_some() in general.
void
Vcpu::go_on_watched(const Done &done, bool remote)
{
    issue_some();
    vm_.look_at(done.guest, remote);
}

void
Vcpu::load_done(Addr line, const DataBlock &data, bool remote)
{
    const Done done = take(line, [&](const Issued &access) { vm_.load(access.guest, data); });
    loads += done.accesses;
    go_on(done, remote);
}

void
Vcpu::store_done(Addr line, DataBlock &data, bool remote)
{
    const Done done = take(line, [&](const Issued &access) {
        if (access.write) {
            ++stores;
            vm_.store(access.guest, data);
        } else {
            ++loads;
            vm_.load(access.guest, data);
        }
    });
    go_on(done, remote);
}

// The program goes on with its next access: what it would do about a fault is not modelled.
void
Vcpu::access_refused(Addr line)
{
    const Done done = take(line, [](const Issued &) {});
    faults += done.accesses;
    go_on(done, false);
}

void
Vm::fail(Addr guest, const DataBlock &data)
{
    throw DataError(not_the_last(guest, data.token));
}

// Cores must not run ahead while something is to be told about the very access.
void
Vm::watch_or_not()
{
    const bool watched = stopping_ || misses_pages() || samples();
    if (watched != watched_) {
        watched ? queue_.hold_back() : queue_.let_go();
        watched_ = watched;
    }
}

void
Vm::start(const std::vector<Sequencer *> &cores)
{
    if (cores.size() != vcpus_.size()) {
        throw std::invalid_argument("a VM needs one core for each vCPU");
    }
    stopping_ = false;
    watch_or_not();
    for (std::size_t i = 0; i < cores.size(); ++i) {
        vcpus_[i]->start(cores[i]);
    }
}

void
Vm::stop()
{
    stopping_ = true;
    watch_or_not();
    for (const auto &vcpu : vcpus_) {
        vcpu->stop();
    }
}

bool
Vm::drained() const
{
    return std::all_of(vcpus_.begin(), vcpus_.end(), [](const auto &v) { return v->drained(); });
}

std::uint64_t
Vm::accesses() const
{
    std::uint64_t sum = 0;
    for (const auto &vcpu : vcpus_) {
        sum += vcpu->loads + vcpu->stores + vcpu->faults;
    }
    return sum;
}

void
Vm::look_at(Addr guest, bool remote)
{
    count_access(guest, remote, queue_.now());
    const bool page_quiet = missing(guest >> kPageShift);
    if (page_quiet || (stopping_ && drained())) {
        end_wait();
    }
}

// Somebody has to look.
void
Vm::end_wait()
{
    if (stop_run != nullptr) {
        *stop_run = true;
    }
}

void
Vm::throttle(Cycles slice, Cycles awake)
{
    if (slice == 0 || awake == 0 || awake > slice) {
        throw std::invalid_argument("a throttled vCPU is awake for a part of each slice");
    }
    for (const auto &vcpu : vcpus_) {
        vcpu->throttle(slice, awake);
    }
}

void
Vm::await(const Pages &pages)
{
    GuestMemory::await(pages);
    watch_or_not();
}

bool
Vm::quiet(const Pages &pages) const
{
    return none_uses(vcpus_, pages);
}

void
Vm::map_pages(const Pages &pages, const Pages &frames)
{
    map(pages, frames);
    watch_or_not();
    for (const auto &vcpu : vcpus_) {
        vcpu->look_again();
    }
}

void
Vm::sample(std::uint64_t every)
{
    GuestMemory::sample(every);
    watch_or_not();
}

void
Vm::reset_statistics()
{
    for (const auto &vcpu : vcpus_) {
        vcpu->loads = vcpu->stores = vcpu->remotes = vcpu->faults = 0;
        vcpu->latency = vcpu->blocked = 0;
    }
    reset_blocked();
}

} // namespace homeshift::engine
