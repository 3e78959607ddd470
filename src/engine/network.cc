// SPDX-License-Identifier: BSD-3-Clause

#include "engine/network.hh"

#include <algorithm>
#include <stdexcept>
#include <tuple>

namespace homeshift::engine
{

namespace
{

constexpr std::uint16_t kHere = ~std::uint16_t{0};
constexpr unsigned kMostRouters = 2 * kMachines;
constexpr unsigned kMostWeight = 1000;

unsigned
router_count(const NetworkSpec &spec)
{
    if (spec.links.size() >= kHere) {
        throw std::invalid_argument("65,534 links are the most");
    }
    unsigned count = spec.nodes;
    for (const LinkSpec &link : spec.links) {
        if (link.from == link.to || std::max(link.from, link.to) >= kMostRouters ||
            link.weight == 0 || link.weight > kMostWeight) {
            throw std::invalid_argument("a link joins two of 128 routers; it weighs 1 to 1000");
        }
        count = std::max({count, link.from + 1, link.to + 1});
    }
    return count;
}

} // namespace

Network::Network(const NetworkSpec &spec, EventQueue &queue, unsigned cores_per_node)
    : spec_(spec),
      queue_(queue),
      routers_(router_count(spec)),
      random_(spec.seed, 0),
      plain_(spec.jitter == 0)
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
    add_links();
    set_notices();
    find_routes();
}

void
Network::add_links()
{
    for (const LinkSpec &link : spec_.links) {
        const auto number = static_cast<unsigned>(links_.size());
        links_.push_back(std::make_unique<Link>(number,
                                                Link::Ends{link.from, link.to, link.latency},
                                                link.bytes_per_cycle, queue_, *this));
    }
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

void
Network::find_routes()
{
    route_.assign(routers_ * spec_.nodes, kHere);
    for (unsigned node = 0; node < spec_.nodes; ++node) {
        find_routes_to(node);
    }
}

// By the lightest way; of those as light, by the lightest link, then to the router with the lower
// number, as gem5 does.
void
Network::find_routes_to(unsigned node)
{
    constexpr unsigned kFar = ~0U / 2;
    std::vector<unsigned> weight(routers_, kFar); // of the lightest way from each router
    weight[node] = 0;
    for (bool changed = true; changed;) {
        changed = false;
        for (const LinkSpec &link : spec_.links) {
            const unsigned found = weight[link.to] + link.weight;
            changed = changed || found < weight[link.from];
            weight[link.from] = std::min(weight[link.from], found);
        }
    }
    for (unsigned router = 0; router < routers_; ++router) {
        if (router == node) {
            continue;
        }
        auto best = std::tuple(kFar, 0U, 0U);
        for (std::size_t number = 0; number < spec_.links.size(); ++number) {
            const LinkSpec &link = spec_.links[number];
            const auto way = std::tuple(weight[link.to] + link.weight, link.weight, link.to);
            if (link.from == router && way < best) {
                best = way;
                route_[router * spec_.nodes + node] = static_cast<std::uint16_t>(number);
            }
        }
        if (std::get<0>(best) == kFar) {
            throw std::invalid_argument("links lead nowhere from a router");
        }
    }
}

Cycles
Network::least_within_node() const
{
    return spec_.router_latency + spec_.local_latency;
}

Cycles
Network::least_between_nodes() const
{
    Cycles least = kNever;
    for (unsigned from = 0; from < spec_.nodes; ++from) {
        for (unsigned to = 0; to < spec_.nodes; ++to) {
            Cycles way = from == to ? kNever : least_within_node();
            for (unsigned at = from; at != to; at = links_[route_[at * spec_.nodes + to]]->to()) {
                const Link &link = *links_[route_[at * spec_.nodes + to]];
                way += spec_.router_latency + link.latency();
            }
            least = std::min(least, way);
        }
    }
    return least;
}

void
Network::add(MachineID id, Receiver *controller)
{
    Machine &machine = machines_.at(index_of(id));
    machine.receiver = controller;
    machine.in_port = port_of(id);
    for (unsigned network = 0; network < kVirtualNetworks; ++network) {
        machine.orders[network] = in_order(id, controller->rank(network), 0);
        machine.looks_up |= static_cast<std::uint16_t>(controller->looks_up(network) << network);
    }
}

// What a message is about is mostly in the host's memory, far from its caches. Each step waits for
// some messages, until what it looks at has come.
void
Network::prefetch(const Receiver &receiver, Addr line)
{
    receiver.prefetch(line);
    const std::size_t place = sent_++ % kAhead;
    Prefetched &before = prefetched_[place];
    Prefetched &other = others_[place];
    if (other.line != kNoLine) {
        other.receiver->prefetch_other(other.line);
    }
    if (before.line != kNoLine) {
        other = {before.receiver, before.receiver->prefetch_record(before.line)};
    }
    before = {&receiver, line};
}

bool
Network::leaves_node(const NetDest &destination, unsigned node) const
{
    bool leaves = false;
    destination.for_each([&](MachineID id) { leaves = leaves || node_of(id) != node; });
    return leaves;
}

inline void
Network::deliver(Message *message, MachineIndex to, Cycle when)
{
    const Machine &machine = machines_[to];
    message->order = machine.orders[message->vnet] | message->in_port;
    plain_ ? message->travel_to_machine(machine.receiver, when, queue_)
           : deliver_with_more(message, to, when);
}

inline void
Network::route_to(Message *message, MachineIndex only, unsigned router, Cycle arrival)
{
    const unsigned to = machines_[only].node;
    if (to == router) {
        deliver(message, only, arrival + spec_.router_latency + spec_.local_latency);
    } else {
        Link &link = *links_[route_[router * spec_.nodes + to]];
        link.accept(message, arrival + spec_.router_latency, plain_ && link.to() == to);
    }
}

void
Network::send(Message *message, MachineID sender, Cycles latency, Addr line)
{
    if (log_ != nullptr) [[unlikely]] {
        log_->send(*message, sender, queue_.now());
    }
    const Machine &from = machines_[index_of(sender)];
    const unsigned node = from.node;
    message->in_port = from.in_port;
    const Cycle arrival = queue_.now() + latency;
    const MachineIndex only = message->Destination.only();
    const bool leaves = only == kNoMachine ? leaves_node(message->Destination.all(), node)
                                           : machines_[only].node != node;
    entering_.add(arrival, {message->MessageSize, leaves}, queue_.now(), counter());
    if (only == kNoMachine) {
        split(message, node, arrival);
        return;
    }
    const Machine &machine = machines_[only];
    if ((machine.looks_up >> message->vnet & 1) != 0) {
        prefetch(*machine.receiver, line);
    }
    route_to(message, only, node, arrival);
}

void
Network::deliver_with_more(Message *message, MachineIndex to, Cycle when)
{
    when += spec_.jitter == 0 ? 0 : random_.below(spec_.jitter + 1);
    if (log_ != nullptr) {
        log_->deliver(*message, machine_at(to), when);
    }
    message->travel_to_machine(machines_[to].receiver, when, queue_);
}

// All ways are fixed, so a message is routed when it starts to travel to the router.
void
Network::route(Message *message, unsigned router, Cycle arrival)
{
    const MachineIndex only = message->Destination.only();
    only == kNoMachine ? split(message, router, arrival) : route_to(message, only, router, arrival);
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
    message->Destination.all().for_each([&](MachineID id) {
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
    if (log_ != nullptr) {
        log_->copy(message, *copy);
    }
    return copy;
}

Traffic
Network::on_links() const
{
    Traffic sum;
    for (const auto &link : links_) {
        sum += link->traffic();
    }
    return sum;
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
