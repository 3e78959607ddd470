// SPDX-License-Identifier: BSD-3-Clause

#include "homeshift/protocol_probe.hh"

#include <algorithm>

#include "base/cprintf.hh"
#include "homeshift/home_directory.hh"
#include "homeshift/version_shim.hh"
#include "mem/ruby/structures/CacheMemory.hh"

namespace gem5
{

namespace ruby
{

namespace
{

using Transitions = std::vector<std::tuple<std::string, int, std::string, std::string, uint64_t>>;

template <typename Controller, typename State, typename Event>
void
collect(Transitions &to, AbstractController *controller, const char *machine, State states,
        Event events, std::string (*stateName)(const State &),
        std::string (*eventName)(const Event &))
{
    auto *found = dynamic_cast<Controller *>(controller);
    if (found == nullptr) {
        return;
    }
    for (int s = 0; s < states; ++s) {
        for (int e = 0; e < events; ++e) {
            const auto state = static_cast<State>(s);
            const auto event = static_cast<Event>(e);
            if (const uint64_t count = found->getTransitionCount(state, event)) {
                to.emplace_back(machine, controller->getMachineID().getNum(), stateName(state),
                                eventName(event), count);
            }
        }
    }
}

} // namespace

ProtocolProbe::ProtocolProbe(const Params &p)
    : SimObject(p),
      controllers(p.controllers),
      caches(p.caches),
      directories(p.directories),
      memorySize(p.memory_size),
      regionSize(p.region_size)
{}

Transitions
ProtocolProbe::transitions() const
{
    Transitions all;
    for (AbstractController *c : controllers) {
        collect<L1Cache_Controller>(all, c, "L1Cache", L1Cache_State_NUM, L1Cache_Event_NUM,
                                    &L1Cache_State_to_string, &L1Cache_Event_to_string);
        collect<Directory_Controller>(all, c, "Directory", Directory_State_NUM, Directory_Event_NUM,
                                      &Directory_State_to_string, &Directory_Event_to_string);
        collect<Memory_Controller>(all, c, "Memory", Memory_State_NUM, Memory_Event_NUM,
                                   &Memory_State_to_string, &Memory_Event_to_string);
        collect<DMA_Controller>(all, c, "DMA", DMA_State_NUM, DMA_Event_NUM, &DMA_State_to_string,
                                &DMA_Event_to_string);
    }
    return all;
}

std::string
ProtocolProbe::audit(const std::vector<Addr> &lines) const
{
    std::string fault = auditRegions();
    for (HomeDirectory *directory : directories) {
        directory->for_each([&](Addr line, AbstractCacheEntry *) {
            if (fault.empty()) {
                fault = auditLine(line);
            }
        });
    }
    for (Addr line : lines) {
        if (fault.empty()) {
            fault = auditLine(line);
        }
    }
    return fault;
}

std::string
ProtocolProbe::auditRegions() const
{
    for (Addr region = 0; region < memorySize; region += regionSize) {
        const auto homes = std::count_if(directories.begin(), directories.end(),
                                         [region](auto *d) { return d->isHome(region); });
        if (homes != 1) {
            return csprintf("the region of %#x has %d homes", region, homes);
        }
    }
    return "";
}

// The home's record, if any, names exactly the caches that have a copy.
std::string
ProtocolProbe::auditLine(Addr line) const
{
    const Directory_Entry *entry = nullptr;
    for (HomeDirectory *directory : directories) {
        AbstractCacheEntry *record = directory->lookup(line);
        if (record != nullptr && !directory->isHome(line)) {
            return csprintf("%s has a record of line %#x and is not its home", directory->name(),
                            line);
        }
        entry = record ? static_cast<const Directory_Entry *>(record) : entry;
    }
    for (size_t i = 0; i < caches.size(); ++i) {
        const MachineID id = {MachineType_L1Cache, static_cast<NodeID>(i)};
        const auto *copy = static_cast<const L1Cache_Entry *>(caches[i]->lookup(line));
        const L1Cache_State state = copy ? copy->getCacheState() : L1Cache_State_I;
        const bool owns = state == L1Cache_State_E || state == L1Cache_State_M;
        const bool owner =
            entry && entry->getDirState() == Directory_State_EM && entry->getOwner() == id;
        const bool sharer =
            entry && entry->getDirState() == Directory_State_S && entry->getSharers().isElement(id);
        if (owns != owner || (state == L1Cache_State_S) != sharer) {
            return csprintf("the directory disagrees with core %d about line %#x", i, line);
        }
    }
    return "";
}

} // namespace ruby
} // namespace gem5
