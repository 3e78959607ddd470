// SPDX-License-Identifier: BSD-3-Clause

#include "engine/network.hh"

#include <algorithm>
#include <stdexcept>

namespace homeshift::engine
{

namespace
{

constexpr std::uint16_t kHere = ~std::uint16_t{0};

} // namespace

Network::Network(const NetworkSpec &spec, EventQueue &queue, unsigned cores_per_node)
    : spec_(spec), queue_(queue), random_(spec.seed, 0), plain_(spec.jitter == 0)
{
    if (spec.router_latency == 0) {
        throw std::invalid_argument("a router takes a cycle at least");
    }
    for (unsigned type = 0; type < MachineType_NUM; ++type) {
        for (std::uint16_t number = 0; number < kMachines; ++number) {
            const MachineID id{static_cast<MachineType>(type), number};
            machines_[index_of(id)].node = static_cast<std::uint16_t>(
                id.type == MachineType_L1Cache ? number / cores_per_node : number);
        }
    }
    if (spec.topology == "crossbar") {
        build_crossbar();
    } else if (spec.topology == "ring") {
        build_ring();
    } else if (spec.topology == "mesh") {
        build_mesh();
    } else {
        throw std::invalid_argument("unknown topology " + spec.topology);
    }
    set_notices();
}

void
Network::add_link(unsigned from, unsigned to)
{
    const bool pool = is_pool(from) || is_pool(to);
    const Link::Ends ends{from, to, pool ? spec_.pool_link_latency : spec_.link_latency};
    const double bytes_per_cycle = pool ? spec_.pool_bytes_per_cycle : spec_.bytes_per_cycle;
    const auto number = static_cast<unsigned>(links_.size());
    links_.push_back(std::make_unique<Link>(number, ends, bytes_per_cycle, queue_, *this));
}

// A message comes to a router from a controller there, in a cycle at least, or over a link, which
// tells of it when it starts.
void
Network::set_notices()
{
    for (const auto &link : links_) {
        Cycles least = link->from() < spec_.nodes ? 1 : kNever;
        for (const auto &before : links_) {
            if (before->to() == link->from()) {
                least = std::min(least, before->latency());
            }
        }
        link->set_notice(least + spec_.router_latency);
    }
}

bool
Network::is_pool(unsigned router) const
{
    return router < spec_.nodes && router >= spec_.nodes - spec_.pool_nodes;
}

// Every node's router has a link to and from one hub.
void
Network::build_crossbar()
{
    const unsigned hub = spec_.nodes;
    routers_ = spec_.nodes + 1;
    route_.assign(routers_ * spec_.nodes, kHere);
    for (unsigned node = 0; node < spec_.nodes; ++node) {
        add_link(node, hub);
        add_link(hub, node);
        for (unsigned to = 0; to < spec_.nodes; ++to) {
            if (to != node) {
                route_[node * spec_.nodes + to] = static_cast<std::uint16_t>(2 * node);
            }
        }
        route_[hub * spec_.nodes + node] = static_cast<std::uint16_t>(2 * node + 1);
    }
}

// The shorter way round; where both are as long, by the neighbour with the lower number, as gem5
// does. Two nodes have one way.
void
Network::build_ring()
{
    const unsigned n = spec_.nodes;
    routers_ = n;
    route_.assign(routers_ * n, kHere);
    const unsigned ways = n == 2 ? 1 : 2;
    for (unsigned node = 0; node < n; ++node) {
        add_link(node, (node + 1) % n);
        if (ways == 2) {
            add_link(node, (node + n - 1) % n);
        }
        const bool up_is_lower = (node + 1) % n < (node + n - 1) % n;
        for (unsigned to = 0; to < n; ++to) {
            const unsigned up = (to + n - node) % n, down = n - up;
            if (up != 0) {
                const bool goes_up = ways == 1 || up < down || (up == down && up_is_lower);
                route_[node * n + to] = static_cast<std::uint16_t>(ways * node + (goes_up ? 0 : 1));
            }
        }
    }
}

// First along the row, then along the column.
void
Network::build_mesh()
{
    const unsigned n = spec_.nodes;
    const unsigned columns = spec_.columns;
    if (columns == 0 || n % columns != 0) {
        throw std::invalid_argument("a mesh needs a number of columns that divides its nodes");
    }
    routers_ = n;
    route_.assign(routers_ * n, kHere);
    std::vector<std::vector<std::uint16_t>> link(n, std::vector<std::uint16_t>(n, kHere));
    const auto connect = [&](unsigned a, unsigned b) {
        link[a][b] = static_cast<std::uint16_t>(links_.size());
        add_link(a, b);
        link[b][a] = static_cast<std::uint16_t>(links_.size());
        add_link(b, a);
    };
    for (unsigned node = 0; node < n; ++node) {
        if (node % columns + 1 < columns) {
            connect(node, node + 1);
        }
        if (node + columns < n) {
            connect(node, node + columns);
        }
    }
    for (unsigned node = 0; node < n; ++node) {
        for (unsigned to = 0; to < n; ++to) {
            if (to == node) {
                continue;
            }
            const unsigned x = node % columns, to_x = to % columns;
            const unsigned next = to_x > x    ? node + 1
                                  : to_x < x  ? node - 1
                                  : to > node ? node + columns
                                              : node - columns;
            route_[node * n + to] = link[node][next];
        }
    }
}

void
Network::add(MachineID id, Receiver *controller)
{
    Machine &machine = machines_.at(index_of(id));
    machine.receiver = controller;
    machine.in_port = port_of(id);
    for (unsigned network = 0; network < kNetworks; ++network) {
        machine.orders[network] = in_order(id, controller->rank(network), 0);
        machine.looks_up |= static_cast<std::uint16_t>(controller->looks_up(network) << network);
    }
}

// Returns what it leads to.
inline Network::Prefetched
Network::prefetch_record(const Prefetched &before)
{
    if (before.receiver == nullptr) {
        return {};
    }
    const Addr other = before.receiver->prefetch_record(before.line);
    if (other == kNoLine) {
        return {};
    }
    before.receiver->prefetch(other);
    return {before.receiver, other};
}

// What a message is about is mostly in the host's memory, far from its caches. Each step waits for
// some messages, until what it looks at has come.
void
Network::prefetch(const Receiver &receiver, Addr line)
{
    receiver.prefetch(line);
    const std::size_t place = sent_++ % kAhead;
    prefetch_record(others_[place]);
    others_[place] = prefetch_record(prefetched_[place]);
    prefetched_[place] = {&receiver, line};
}

bool
Network::leaves_node(const NetDest &destination, unsigned node) const
{
    bool leaves = false;
    destination.for_each([&](MachineID id) { leaves = leaves || node_of(id) != node; });
    return leaves;
}

void
Network::send(Message *message, MachineID sender, Cycles latency, Addr line)
{
    const Machine &from = machines_[index_of(sender)];
    const unsigned node = from.node;
    message->only = message->Destination.only();
    message->in_port = from.in_port;
    bool leaves = false;
    if (message->only != kNoMachine) {
        const Machine &machine = machines_[message->only];
        if ((machine.looks_up >> message->vnet & 1) != 0) {
            prefetch(*machine.receiver, line);
        }
        leaves = machine.node != node;
    } else {
        leaves = leaves_node(message->Destination, node);
    }
    const Cycle arrival = queue_.now() + latency;
    entering_.add(arrival, {message->MessageSize, leaves}, queue_.now(), counter());
    if (log_ != nullptr) [[unlikely]] {
        log_->send(*message, sender, queue_.now());
    }
    route(message, node, arrival);
}

inline void
Network::deliver(Message *message, MachineIndex to, Cycle when)
{
    const Machine &machine = machines_[to];
    message->order = machine.orders[message->vnet] | message->in_port;
    if (!plain_) [[unlikely]] {
        when += spec_.jitter == 0 ? 0 : random_.below(spec_.jitter + 1);
        if (log_ != nullptr) {
            log_->deliver(*message, machine_at(to), when);
        }
    }
    message->travel(machine.receiver, when, queue_);
}

// All ways are fixed, so a message is routed when it starts to travel to the router.
void
Network::route(Message *message, unsigned router, Cycle arrival)
{
    if (message->only == kNoMachine) {
        split(message, router, arrival);
        return;
    }
    const unsigned to = machines_[message->only].node;
    if (to == router) {
        deliver(message, message->only, arrival + spec_.router_latency + spec_.local_latency);
    } else {
        Link &link = *links_[route_[router * spec_.nodes + to]];
        link.accept(message, arrival + spec_.router_latency, plain_ && link.to() == to);
    }
}

void
Network::take_back(Message *message, Cycle arrival)
{
    message->stop_travelling(arrival + spec_.router_latency + spec_.local_latency, queue_);
}

// Several destinations: a copy for each machine here, and one for each link.
void
Network::split(Message *message, unsigned router, Cycle arrival)
{
    std::vector<std::pair<std::uint16_t, NetDest>> ways;
    message->Destination.for_each([&](MachineID id) {
        const unsigned to = node_of(id);
        if (to == router) {
            NetDest destination;
            destination.add(id);
            deliver(copy_for(*message, destination), index_of(id),
                    arrival + spec_.router_latency + spec_.local_latency);
            return;
        }
        const std::uint16_t link = route_[router * spec_.nodes + to];
        const auto way =
            std::find_if(ways.begin(), ways.end(), [&](const auto &w) { return w.first == link; });
        (way == ways.end() ? ways.emplace_back(link, NetDest{}) : *way).second.add(id);
    });
    for (const auto &[link, destination] : ways) {
        links_[link]->accept(copy_for(*message, destination), arrival + spec_.router_latency,
                             false);
    }
    if (log_ != nullptr) {
        log_->forget(*message);
    }
    message->discard();
}

Message *
Network::copy_for(const Message &message, const NetDest &destination)
{
    Message *copy = message.clone();
    copy->Destination = destination;
    copy->only = destination.only();
    if (log_ != nullptr) {
        log_->copy(message, *copy);
    }
    return copy;
}

void
Network::watch(MessageLog *log)
{
    log_ = log;
    plain_ = spec_.jitter == 0 && log == nullptr;
}

void
Network::count_entered()
{
    entering_.take(queue_.now(), counter());
}

void
Network::reset_statistics()
{
    count_entered();
    between_nodes_ = {};
    total_ = {};
    for (const auto &link : links_) {
        link->reset_statistics();
    }
}

} // namespace homeshift::engine
