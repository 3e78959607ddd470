// SPDX-License-Identifier: BSD-3-Clause

#include "engine/vm.hh"

#include <algorithm>
#include <sstream>
#include <utility>

namespace homeshift::engine
{

Vcpu::Vcpu(Vm &vm, EventQueue &queue, std::unique_ptr<RequestStream> stream,
           unsigned max_outstanding)
    : vm_(vm), queue_(queue), stream_(std::move(stream)), max_outstanding_(max_outstanding)
{}

void
Vcpu::start(Sequencer *core)
{
    const Cycle wake = core_ != nullptr ? core_->forget_wake() : kNever;
    core_ = core;
    core_->user = this;
    if (wake != kNever) {
        core_->wake_at(wake);
    }
    running_ = true;
    ready_at_ = std::max(ready_at_, queue_.now());
    issue_some();
}

void
Vcpu::stop()
{
    running_ = false;
}

void
Vcpu::throttle(Cycles slice, Cycles awake)
{
    slice_ = slice;
    awake_ = awake;
    issue_some();
}

void
Vcpu::look_again()
{
    if (waits_for_page_ && !vm_.table.missing(next_.address >> Stage2Table::kPageShift)) {
        waits_for_page_ = false;
        blocked += queue_.now() - blocked_since_;
        vm_.count_blocked(queue_.now());
        issue_some();
    }
}

bool
Vcpu::uses(std::uint64_t page) const
{
    return outstanding_.any_of(
        [page](const Outstanding &o) { return o.guest >> Stage2Table::kPageShift == page; });
}

void
Vcpu::wake_up()
{
    issue_some();
}

void
Vcpu::wake_at(Cycle when)
{
    if (!core_->will_wake()) {
        core_->wake_at(when);
    }
}

void
Vcpu::issue_some()
{
    while (running_ && outstanding_.size() < max_outstanding_) {
        if (!have_next_) {
            next_ = stream_->next();
            have_next_ = true;
            ready_at_ = std::max(ready_at_, queue_.now()) + next_.gap_cycles;
        }
        if (ready_at_ > queue_.now()) {
            wake_at(ready_at_);
            return;
        }
        if (asleep() ||
            (vm_.missing_ != 0 && waits_for(next_.address >> Stage2Table::kPageShift))) {
            return;
        }
        const Addr address = vm_.table.translate(next_.address);
        const Addr line = address & ~(kLineBytes - 1);
        Outstanding *const access = outstanding_.add(line);
        if (access == nullptr) {
            return; // the answer of the one before comes back here
        }
        *access = {next_.address, queue_.now()};
        core_->issue(address, next_.write);
        have_next_ = false;
        ready_at_ = queue_.now() + 1; // one issue a cycle
    }
}

bool
Vcpu::asleep()
{
    if (awake_ == slice_) {
        return false; // without the division below, which every access would pay for
    }
    const Cycles into_slice = queue_.now() % slice_;
    if (into_slice < awake_) {
        return false;
    }
    wake_at(queue_.now() - into_slice + slice_);
    return true;
}

bool
Vcpu::waits_for(std::uint64_t page)
{
    if (!vm_.table.missing(page)) {
        return false;
    }
    if (!waits_for_page_) {
        waits_for_page_ = true;
        blocked_since_ = queue_.now();
        vm_.fault(page);
        vm_.count_blocked(queue_.now());
    }
    return true;
}

inline Vcpu::Outstanding
Vcpu::take(Addr line)
{
    const Outstanding taken = outstanding_.remove(line);
    latency += queue_.now() - taken.issued;
    return taken;
}

void
Vcpu::load_done(Addr line, const DataBlock &data)
{
    const Outstanding access = take(line);
    ++loads;
    vm_.loaded(access.guest, data);
    issue_some();
    vm_.access_done(access.guest, queue_.now() - access.issued);
}

void
Vcpu::store_done(Addr line, DataBlock &data)
{
    const Outstanding access = take(line);
    ++stores;
    vm_.stored(access.guest, data);
    issue_some();
    vm_.access_done(access.guest, queue_.now() - access.issued);
}

// The program goes on with its next access: what it would do about a fault is not modelled.
void
Vcpu::access_refused(Addr line)
{
    const Outstanding access = take(line);
    ++faults;
    issue_some();
    vm_.access_done(access.guest, queue_.now() - access.issued);
}

// Cores must not run ahead while something is to be told about the very access.
void
Vm::watch_or_not()
{
    const bool watched = stopping_ || missing_ != 0 || sample_every_ != 0;
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
Vm::look_at(Addr guest, Cycles latency)
{
    if (sample_every_ != 0 && latency > sample_slower_than_ && ++sample_seen_ == sample_every_) {
        sample_seen_ = 0;
        samples_.push_back(guest >> Stage2Table::kPageShift);
    }
    const bool page_quiet = missing_ != 0 && table.missing(guest >> Stage2Table::kPageShift);
    if (stop_run != nullptr && (page_quiet || (stopping_ && drained()))) {
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
Vm::await(const std::vector<std::uint64_t> &pages)
{
    for (std::uint64_t page : pages) {
        missing_ += table.set_missing(page) ? 1 : 0;
    }
    watch_or_not();
}

bool
Vm::quiet(const std::vector<std::uint64_t> &pages) const
{
    return std::none_of(pages.begin(), pages.end(), [this](std::uint64_t page) {
        return std::any_of(vcpus_.begin(), vcpus_.end(),
                           [page](const auto &vcpu) { return vcpu->uses(page); });
    });
}

void
Vm::map_pages(const std::vector<std::uint64_t> &pages, const std::vector<std::uint64_t> &frames)
{
    if (pages.size() != frames.size()) {
        throw std::invalid_argument("as many pages as frames are needed");
    }
    for (std::size_t i = 0; i < pages.size(); ++i) {
        missing_ -= table.map(pages[i], frames[i]) ? 1 : 0;
    }
    watch_or_not();
    for (const auto &vcpu : vcpus_) {
        vcpu->look_again();
    }
}

void
Vm::fault(std::uint64_t page)
{
    faults_.push_back(page);
    if (stop_run != nullptr) {
        *stop_run = true;
    }
}

std::vector<std::uint64_t>
Vm::take_faults()
{
    return std::exchange(faults_, {});
}

void
Vm::count_blocked(Cycle now)
{
    const bool all = std::all_of(vcpus_.begin(), vcpus_.end(),
                                 [](const auto &vcpu) { return vcpu->waits_for_page(); });
    if (all && !all_blocked_) {
        all_blocked_since_ = now;
    } else if (!all && all_blocked_) {
        all_blocked_cycles_ += now - all_blocked_since_;
    }
    all_blocked_ = all;
}

Cycles
Vm::all_blocked(Cycle now) const
{
    return all_blocked_cycles_ + (all_blocked_ ? now - all_blocked_since_ : 0);
}

void
Vm::sample(std::uint64_t every, Cycles slower_than)
{
    sample_every_ = every;
    sample_slower_than_ = slower_than;
    sample_seen_ = 0;
    samples_.clear();
    watch_or_not();
}

std::vector<std::uint64_t>
Vm::take_samples()
{
    return std::exchange(samples_, {});
}

void
Vm::reset_statistics()
{
    for (const auto &vcpu : vcpus_) {
        vcpu->loads = vcpu->stores = vcpu->faults = vcpu->latency = vcpu->blocked = 0;
    }
    all_blocked_cycles_ = 0;
}

void
Vm::check_load(Addr guest, const DataBlock &data)
{
    const std::uint64_t *stored = latest_.find(guest >> kLineShift);
    const std::uint64_t expected = stored ? *stored : 0;
    if (data.token != expected) {
        std::ostringstream text;
        text << "a load of guest address 0x" << std::hex << guest << std::dec << " returned store "
             << data.token << " of the VM, but the last one to this line was store " << expected
             << " (0: none)";
        throw DataError(text.str());
    }
}

} // namespace homeshift::engine
