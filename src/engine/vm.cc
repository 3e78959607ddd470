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
{
    outstanding_.reserve(max_outstanding);
}

void
Vcpu::start(Sequencer *core)
{
    core_ = core;
    core_->user = this;
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
Vcpu::fire()
{
    waking_ = false;
    issue_some();
}

void
Vcpu::wake_at(Cycle when)
{
    if (!waking_) {
        waking_ = true;
        queue_.schedule(this, when);
    }
}

bool
Vcpu::under_way(Addr line) const
{
    return std::any_of(outstanding_.begin(), outstanding_.end(),
                       [line](const Outstanding &o) { return o.line == line; });
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
        const Addr address = vm_.table.translate(next_.address);
        const Addr line = address & ~(kLineBytes - 1);
        if (under_way(line)) {
            return; // its answer comes back here
        }
        core_->issue(address, next_.write);
        outstanding_.push_back({line, next_.address, queue_.now()});
        have_next_ = false;
        ready_at_ = queue_.now() + 1; // one issue a cycle
    }
}

Vcpu::Outstanding
Vcpu::take(Addr line)
{
    for (Outstanding &candidate : outstanding_) {
        if (candidate.line == line) {
            const Outstanding taken = candidate;
            candidate = outstanding_.back();
            outstanding_.pop_back();
            latency += queue_.now() - taken.issued;
            return taken;
        }
    }
    throw std::logic_error("an answer to no request of this vCPU");
}

void
Vcpu::load_done(Addr line, const DataBlock &data)
{
    const Outstanding access = take(line);
    ++loads;
    vm_.loaded(access.guest, data);
    issue_some();
    vm_.access_done();
}

void
Vcpu::store_done(Addr line, DataBlock &data)
{
    const Outstanding access = take(line);
    ++stores;
    vm_.stored(access.guest, data);
    issue_some();
    vm_.access_done();
}

// The program goes on with its next access: what it would do about a fault is not modelled.
void
Vcpu::access_refused(Addr line)
{
    take(line);
    ++faults;
    issue_some();
    vm_.access_done();
}

void
Vm::start(const std::vector<Sequencer *> &cores)
{
    if (cores.size() != vcpus_.size()) {
        throw std::invalid_argument("a VM needs one core for each vCPU");
    }
    stopping_ = false;
    for (std::size_t i = 0; i < cores.size(); ++i) {
        vcpus_[i]->start(cores[i]);
    }
}

void
Vm::stop()
{
    stopping_ = true;
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
Vm::access_done()
{
    if (stopping_ && stop_when_drained != nullptr && drained()) {
        *stop_when_drained = true;
    }
}

void
Vm::loaded(Addr guest, const DataBlock &data)
{
    if (!check_) {
        return;
    }
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

void
Vm::stored(Addr guest, DataBlock &data)
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

} // namespace homeshift::engine
