// SPDX-License-Identifier: BSD-3-Clause
//
// The Python module homeshift._engine: the machine and its VMs, and the request
// streams by themselves. The typed face of it is src/homeshift/_engine.pyi.

#include <algorithm>
#include <functional>
#include <tuple>

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/map.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/unique_ptr.h>
#include <nanobind/stl/vector.h>

#include "common/request_stream.hh"
#include "engine/system.hh"

namespace nb = nanobind;
using namespace nb::literals;

namespace homeshift::engine
{

namespace
{

template <typename T>
void
get(const nb::dict &from, const char *key, T &to)
{
    if (!from.contains(key)) {
        throw nb::key_error(key);
    }
    if (!nb::try_cast(from[key], to)) {
        const std::string given = nb::repr(from[key]).c_str();
        throw nb::type_error(("'" + std::string(key) + "' cannot be " + given).c_str());
    }
}

SystemSpec
system_spec(const nb::dict &dict)
{
    SystemSpec spec;
    get(dict, "clock_period_ps", spec.clock_period);
    get(dict, "cores_per_node", spec.cores_per_node);
    get(dict, "max_outstanding", spec.max_outstanding);
    get(dict, "cache_bytes", spec.cache_bytes);
    get(dict, "cache_associativity", spec.cache_associativity);
    get(dict, "cache_latency", spec.cache_latency);
    get(dict, "slc_bytes", spec.slc_bytes);
    get(dict, "slc_associativity", spec.slc_associativity);
    get(dict, "slc_latency", spec.slc_latency);
    get(dict, "home_latency", spec.home_latency);
    get(dict, "memory_bytes", spec.memory_bytes);
    get(dict, "memory_latency_ps", spec.memory_latency);
    get(dict, "line_time_ps", spec.line_time);
    get(dict, "pool_memory_latency_ps", spec.pool_memory_latency);
    get(dict, "pool_line_time_ps", spec.pool_line_time);
    get(dict, "nodes", spec.network.nodes);
    get(dict, "pool_nodes", spec.pool_nodes);
    std::vector<std::tuple<unsigned, unsigned, unsigned, Cycles, double>> links;
    get(dict, "links", links);
    for (const auto &[from, to, weight, latency, bytes_per_cycle] : links) {
        spec.network.links.push_back({from, to, weight, latency, bytes_per_cycle});
    }
    get(dict, "router_latency", spec.network.router_latency);
    get(dict, "local_latency", spec.network.local_latency);
    get(dict, "jitter", spec.network.jitter);
    get(dict, "jitter_seed", spec.network.seed);
    get(dict, "outstanding_lines", spec.outstanding_lines);
    get(dict, "outstanding_transfers", spec.outstanding_transfers);
    get(dict, "region_bytes", spec.region_bytes);
    get(dict, "check", spec.check);
    get(dict, "run_ahead", spec.run_ahead);
    return spec;
}

// Addresses or page numbers, of which there may be millions: an array.array("Q") or the like is
// copied as it is, any other sequence item by item. (nanobind's own caster of vectors has no way to
// tell that memory ran out.) Other threads may run meanwhile, so a system is asked for parts later.
std::vector<std::uint64_t>
numbers(nb::handle from)
{
    using Array = nb::ndarray<const std::uint64_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
    if (Array array; nb::try_cast(from, array, false)) {
        return {array.data(), array.data() + array.size()};
    }
    std::vector<std::uint64_t> values;
    for (nb::handle item : from) {
        std::uint64_t value = 0;
        if (!nb::try_cast(item, value)) {
            throw nb::type_error("an address or a page number is a whole number from 0 on");
        }
        values.push_back(value);
    }
    return values;
}

// Of Ctrl-C, and whatever else Python has handlers for.
void
raise_pending_signal()
{
    const nb::gil_scoped_acquire gil;
    if (PyErr_CheckSignals() != 0) {
        throw nb::python_error();
    }
}

std::unique_ptr<RequestStream>
stream(const nb::dict &dict)
{
    StreamSpec spec;
    for_each_field(spec, [&dict](const char *name, auto &field) {
        if constexpr (std::is_same_v<std::remove_reference_t<decltype(field)>, StreamKind>) {
            std::string kind;
            get(dict, name, kind);
            field = stream_kind(kind);
        } else {
            get(dict, name, field);
        }
    });
    return make_stream(spec);
}

unsigned
add_vm(System &system, const nb::object &pages, const std::vector<nb::dict> &streams, bool intruder)
{
    std::vector<std::uint64_t> frames = numbers(pages);
    std::vector<std::unique_ptr<RequestStream>> made;
    for (const nb::dict &dict : streams) {
        std::uint64_t vm_bytes = 0;
        get(dict, "vm_bytes", vm_bytes);
        if (vm_bytes > frames.size() * kPageBytes) {
            throw std::invalid_argument("a stream is for a VM with more memory than this one");
        }
        made.push_back(stream(dict));
    }
    return system.add_vm(std::move(frames), std::move(made), intruder);
}

// Appends (machine, number, state, event, count) of what some controllers of a kind have taken.
void
append_transitions(nb::list &list, const std::vector<const Controller *> &controllers)
{
    const MachineInfo &info = controllers.front()->info();
    std::vector<std::uint64_t> sums(info.states.size() * info.events.size());
    for (const Controller *controller : controllers) {
        std::transform(sums.begin(), sums.end(), controller->counts().begin(), sums.begin(),
                       std::plus<>());
    }
    for (std::size_t key = 0; key < sums.size(); ++key) {
        if (sums[key] != 0) {
            list.append(nb::make_tuple(info.name, controllers.front()->id().num,
                                       info.states[key / info.events.size()],
                                       info.events[key % info.events.size()], sums[key]));
        }
    }
}

nb::list
transitions(const System &system)
{
    nb::list list;
    for (const Controller *controller : system.controllers()) {
        append_transitions(list, {controller});
    }
    return list;
}

nb::list
transition_totals(const System &system)
{
    std::map<std::string, std::vector<const Controller *>> kinds;
    for (const Controller *controller : system.controllers()) {
        kinds[controller->info().name].push_back(controller);
    }
    nb::list list;
    for (const auto &[name, controllers] : kinds) {
        append_transitions(list, controllers);
    }
    return list;
}

nb::dict
traffic_dict(const Traffic &traffic)
{
    nb::dict dict;
    for (unsigned i = 0; i < MessageSizeType_NUM; ++i) {
        if (traffic.messages[i] != 0) {
            dict[kMessageSizeTypeNames[i]] = traffic.messages[i];
        }
    }
    return dict;
}

// One dict a node, one a core, one a link: what each has counted.
nb::list
node_counts(const System &system)
{
    nb::list list;
    for (const System::Node &node : system.nodes()) {
        nb::dict dict;
        dict["slc_hits"] = node.slc->hits;
        dict["slc_misses"] = node.slc->misses;
        const Dram::Counts dram = node.dram->counts();
        dict["dram_reads"] = dram.reads;
        dict["dram_writes"] = dram.writes;
        dict["dram_busy_ps"] = dram.busy;
        dict["served_locally"] = node.home_table->served_locally;
        dict["served_remotely"] = node.home_table->served_remotely;
        dict["directory_entries"] = node.directory->size();
        const MigrationEngine::Counts &ended = node.engine->counts;
        dict["lines_copied"] = ended.lines_copied;
        dict["lines_refused"] = ended.lines_refused;
        dict["regions_moved"] = ended.regions_moved;
        dict["regions_kept"] = ended.regions_kept;
        dict["regions_fenced"] = ended.regions_fenced;
        dict["regions_refused"] = ended.regions_refused;
        list.append(dict);
    }
    return list;
}

nb::list
core_counts(const System &system)
{
    nb::list list;
    for (const System::Core &core : system.cores()) {
        nb::dict dict;
        dict["hits"] = core.cache->hits;
        dict["misses"] = core.cache->misses;
        list.append(dict);
    }
    return list;
}

nb::list
link_counts(const System &system)
{
    nb::list list;
    for (const auto &link : system.network().links()) {
        nb::dict dict;
        dict["from"] = link->from();
        dict["to"] = link->to();
        dict["messages"] = traffic_dict(link->traffic());
        dict["busy_cycles"] = link->busy_cycles();
        list.append(dict);
    }
    return list;
}

// (kind, type, address, size, sender, receiver, cycle sent, cycle arrived) of noted messages; a
// controller is (node, machine type, number).
nb::list
messages(System &system)
{
    const auto machine = [&system](MachineID id) {
        return nb::make_tuple(system.network().node_of(id), kMachineTypeNames[id.type], id.num);
    };
    nb::list list;
    for (const MessageLog::Note &note : system.take_message_log()) {
        list.append(nb::make_tuple(note.name.kind, note.name.type, note.name.address,
                                   kMessageSizeTypeNames[note.size], machine(note.from),
                                   machine(note.to), note.sent, note.arrived));
    }
    return list;
}

nb::list
vcpu_counts(System &system, unsigned vm)
{
    nb::list list;
    for (const auto &vcpu : system.vm(vm).vcpus()) {
        nb::dict dict;
        dict["loads"] = vcpu->loads;
        dict["stores"] = vcpu->stores;
        dict["remote"] = vcpu->remotes;
        dict["faults"] = vcpu->faults;
        dict["latency_cycles"] = vcpu->latency;
        dict["blocked_cycles"] = vcpu->blocked;
        list.append(dict);
    }
    return list;
}

} // namespace

NB_MODULE(_engine, m)
{
    m.doc() = "The embedded engine: a deterministic event-driven simulation of the machine.";

    nb::exception<ProtocolError>(m, "ProtocolError", PyExc_RuntimeError);
    nb::exception<DataError>(m, "DataError", PyExc_RuntimeError);
    nb::exception<DeadlockError>(m, "DeadlockError", PyExc_RuntimeError);
    nb::exception<AccessFaultError>(m, "AccessFaultError", PyExc_RuntimeError);

    nb::class_<System>(m, "System", "A machine and the VMs on it. Times are in cycles.")
        .def(
            "__init__",
            [](System *self, const nb::dict &spec) {
                new (self) System(system_spec(spec));
                self->look_up = &raise_pending_signal;
            },
            "spec"_a)
        .def_prop_ro("now", &System::now, "Current cycle.")
        .def_prop_ro("events", &System::events, "Events fired so far.")
        .def(
            "place_homes",
            [](System &s, const nb::object &addresses, unsigned node) {
                s.place_homes(numbers(addresses), node);
            },
            "addresses"_a, "node"_a,
            "Before anything runs: make a node the home of regions, each named by an address in "
            "it.")
        .def("add_vm", &add_vm, "frames"_a, "streams"_a, "intruder"_a = false,
             "One vCPU a stream; returns the VM's number. An intruder changes no data.")
        .def("start_vm", &System::start_vm, "vm"_a, "cores"_a, "Let the vCPUs run on these cores.")
        .def("begin_stop_vm", &System::begin_stop_vm, "vm"_a, "No new accesses; see wait().")
        .def(
            "drained", [](System &s, unsigned vm) { return s.vm(vm).drained(); }, "vm"_a,
            "Whether none of a VM's accesses is under way.")
        .def("run", &System::run, "cycles"_a, nb::call_guard<nb::gil_scoped_release>())
        .def(
            "wait",
            [](System &s, std::optional<Cycle> until) { s.wait(until.value_or(System::kForever)); },
            "until"_a.none(), nb::call_guard<nb::gil_scoped_release>(),
            "Returns when a job ends, a stopped VM's accesses do, a VM waits for a page, or at a "
            "cycle.")
        .def(
            "copy",
            [](System &s, unsigned node, const nb::object &sources, const nb::object &targets,
               std::uint64_t bytes_each, unsigned owner, bool urgent, Tick line_interval) {
                return s.copy(node, numbers(sources), numbers(targets), bytes_each, owner,
                              {urgent, line_interval});
            },
            "node"_a, "sources"_a, "targets"_a, "bytes_each"_a, "owner"_a = 0, "urgent"_a = false,
            "line_interval_ps"_a = 0, "Give a node's DMA blocks to copy; returns the job.")
        .def(
            "transfer",
            [](System &s, unsigned node, const nb::object &regions, unsigned new_home,
               unsigned owner, std::optional<unsigned> fenced) {
                return s.transfer(node, numbers(regions), new_home, owner, fenced);
            },
            "node"_a, "regions"_a, "new_home"_a, "owner"_a = 0, "fenced"_a = nb::none(),
            "Give a node's DMA homes to move; the fenced node loses its right with the move; "
            "returns the job.")
        .def(
            "fence",
            [](System &s, unsigned node, const nb::object &regions, unsigned fenced,
               unsigned owner) { return s.fence(node, numbers(regions), fenced, owner); },
            "node"_a, "regions"_a, "fenced"_a, "owner"_a = 0,
            "Let a node's DMA take another node's right to regions; returns the job.")
        .def("home_of", &System::home_of, "address"_a,
             "The node that is home; the number of nodes while the region is between two.")
        .def("left", &System::left, "job"_a, "Lines or regions of a job that have not ended.")
        .def("cancel", &System::cancel, "job"_a,
             "Forget what of a job has not begun, take back the transfers under way.")
        .def("probe", &System::probe, "core"_a, "address"_a, "write"_a,
             nb::call_guard<nb::gil_scoped_release>(),
             "One access of an idle core; its latency in cycles. Raises AccessFaultError.")
        .def("forge", &System::forge, "core"_a, "request"_a, "address"_a, "home"_a, "value"_a = 0,
             "other"_a = 0, "For tests: a request in the name of an unused core, past its cache.")
        .def(
            "forged_answers", [](System &s, unsigned core) { return s.rogue(core).answers; },
            "core"_a, "What came back for what was forged, by ResponseType.")
        .def("audit", &System::audit, nb::call_guard<nb::gil_scoped_release>(),
             "Check directories against caches, with all VMs stopped.")
        .def(
            "start_dirty_log", [](System &s, unsigned vm) { s.vm(vm).table.start_log(); }, "vm"_a)
        .def(
            "stop_dirty_log", [](System &s, unsigned vm) { s.vm(vm).table.stop_log(); }, "vm"_a)
        .def(
            "take_dirty_log", [](System &s, unsigned vm) { return s.vm(vm).table.take_log(); },
            "vm"_a, "Pages written since the log was started or taken.")
        .def(
            "throttle",
            [](System &s, unsigned vm, Cycles slice, Cycles awake) {
                s.vm(vm).throttle(slice, awake);
            },
            "vm"_a, "slice"_a, "awake"_a, "Let vCPUs issue in the first cycles of each slice only.")
        .def(
            "await_pages",
            [](System &s, unsigned vm, const nb::object &pages) {
                const std::vector<std::uint64_t> missing = numbers(pages);
                s.vm(vm).await(missing);
            },
            "vm"_a, "pages"_a, "Let accesses to these pages wait until they arrive.")
        .def(
            "quiet",
            [](System &s, unsigned vm, const nb::object &pages) {
                const std::vector<std::uint64_t> asked = numbers(pages);
                return s.vm(vm).quiet(asked);
            },
            "vm"_a, "pages"_a, "Whether no access to these pages is under way.")
        .def(
            "map_pages",
            [](System &s, unsigned vm, const nb::object &pages, const nb::object &frames) {
                s.map_pages(vm, numbers(pages), numbers(frames));
            },
            "vm"_a, "pages"_a, "frames"_a, "These pages are in these frames from now on.")
        .def(
            "take_faults", [](System &s, unsigned vm) { return s.vm(vm).take_faults(); }, "vm"_a,
            "Missing pages that were touched since this was last asked.")
        .def(
            "sample", [](System &s, unsigned vm, std::uint64_t every) { s.vm(vm).sample(every); },
            "vm"_a, "every"_a, "Note the page of every so many accesses that need another node.")
        .def(
            "take_samples", [](System &s, unsigned vm) { return s.vm(vm).take_samples(); }, "vm"_a)
        .def(
            "all_blocked", [](System &s, unsigned vm) { return s.vm(vm).all_blocked(s.now()); },
            "vm"_a, "Cycles in which every vCPU waited for a missing page.")
        .def("transitions", &transitions,
             "(machine, number, state, event, count) of each transition taken.")
        .def("transition_totals", &transition_totals,
             "The same, of all controllers of a kind together, under the number of one.")
        .def("node_counts", &node_counts)
        .def("core_counts", &core_counts)
        .def("link_counts", &link_counts)
        .def("vcpu_counts", &vcpu_counts, "vm"_a)
        .def(
            "between_nodes",
            [](const System &s) { return traffic_dict(s.network().between_nodes()); },
            "Messages that left their node, by MessageSizeType.")
        .def(
            "on_links", [](const System &s) { return traffic_dict(s.network().on_links()); },
            "Messages on the links between nodes, once for each link that they cross.")
        .def("all_messages", [](const System &s) { return traffic_dict(s.network().total()); })
        .def("open_message_log", &System::open_message_log, "most"_a,
             "Note so many single messages, of those sent from now on.")
        .def("close_message_log", &System::close_message_log, "Note no new ones from now on.")
        .def("take_message_log", &messages,
             "The noted messages that have arrived: (kind, type, address, size, sender, receiver, "
             "sent, arrived), a controller as (node, machine, number).")
        .def("reset_statistics", &System::reset_statistics);

    nb::class_<RequestStream>(m, "RequestStream", "The accesses of one vCPU.")
        .def("next",
             [](RequestStream &s) {
                 const Access a = s.next();
                 return std::make_tuple(a.address, a.gap_cycles, a.write);
             })
        .def(
            "take",
            [](RequestStream &s, std::size_t n) {
                std::vector<std::tuple<std::uint64_t, std::uint32_t, bool>> taken;
                taken.reserve(n);
                for (; n > 0; --n) {
                    const Access a = s.next();
                    taken.emplace_back(a.address, a.gap_cycles, a.write);
                }
                return taken;
            },
            "count"_a)
        .def(nb::new_([](const nb::dict &spec) { return stream(spec); }), "spec"_a);

    m.attr("message_size_types") = nb::cast(
        std::vector<std::string>(kMessageSizeTypeNames.begin(), kMessageSizeTypeNames.end()));
}

} // namespace homeshift::engine
