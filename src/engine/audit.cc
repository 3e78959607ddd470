// SPDX-License-Identifier: BSD-3-Clause

#include "engine/audit.hh"

#include <algorithm>
#include <string>

#include "engine/system.hh"

namespace homeshift::engine
{

namespace
{

[[noreturn]] void
fault(const std::string &what)
{
    throw ProtocolError("audit: " + what);
}

void
nobody_waits(const System &system)
{
    for (const Controller *controller : system.controllers()) {
        const std::string name =
            std::string(controller->info().name) + " " + std::to_string(controller->id().num);
        if (controller->stalled() != 0) {
            fault(name + " holds messages that nothing will wake up");
        }
        if (controller->transactions() != 0) {
            fault(name + " has transactions that will not end");
        }
    }
}

void
every_region_has_one_home(const System &system)
{
    const auto &nodes = system.nodes();
    const SystemSpec &spec = system.spec();
    for (Addr region = 0; region < spec.all_memory_bytes(); region += spec.region_bytes) {
        const auto homes = std::count_if(
            nodes.begin(), nodes.end(),
            [region](const System::Node &node) { return node.directory->isHome(region); });
        if (homes != 1) {
            fault("region " + std::to_string(region) + " has " + std::to_string(homes) + " homes");
        }
    }
}

// A record names the core as owner or as sharer if, and only if, the core is that.
bool
agrees(const Directory_Entry &record, Addr line, L1Cache_Controller &cache)
{
    const L1Cache_State state = cache.state_of(line);
    const bool owns = state == L1Cache_State_E || state == L1Cache_State_M;
    const bool owner = record.DirState == Directory_State_EM && record.Owner == cache.id();
    const bool sharer =
        record.DirState == Directory_State_S && record.Sharers.isElement(cache.id());
    return owns == owner && (state == L1Cache_State_S) == sharer;
}

void
records_agree_with_caches(const System &system)
{
    for (const System::Node &node : system.nodes()) {
        node.directory->for_each([&](Addr line, const AbstractCacheEntry *record) {
            for (unsigned i = 0; i < system.cores().size(); ++i) {
                if (!agrees(*static_cast<const Directory_Entry *>(record), line,
                            *system.cores()[i].controller)) {
                    fault("the directory disagrees with core " + std::to_string(i) +
                          " about line " + std::to_string(line));
                }
            }
        });
    }
}

void
every_copy_has_a_record(const System &system)
{
    const auto &nodes = system.nodes();
    for (unsigned i = 0; i < system.cores().size(); ++i) {
        system.cores()[i].cache->for_each_line([&](Addr line) {
            if (std::none_of(nodes.begin(), nodes.end(), [line](const System::Node &node) {
                    return node.directory->isHome(line) && node.directory->lookup(line) != nullptr;
                })) {
                fault("no home knows of a copy in core " + std::to_string(i));
            }
        });
    }
}

void
every_record_is_at_its_home(const System &system)
{
    for (const System::Node &node : system.nodes()) {
        node.directory->for_each([&](Addr line, const AbstractCacheEntry *) {
            if (!node.directory->isHome(line)) {
                fault("node " + std::to_string(node.home->id().num) + " has a record of line " +
                      std::to_string(line) + " and is not its home");
            }
        });
    }
}

} // namespace

void
audit(const System &system)
{
    nobody_waits(system);
    every_region_has_one_home(system);
    records_agree_with_caches(system);
    every_copy_has_a_record(system);
    every_record_is_at_its_home(system);
}

} // namespace homeshift::engine
