// SPDX-License-Identifier: BSD-3-Clause

#include "engine/controller.hh"

#include <algorithm>
#include <sstream>
#include <string>
#include <utility>

namespace homeshift::engine
{

namespace
{

// A message that neither leaves nor waits after this many transitions never will.
constexpr unsigned kMaxTries = 64;

} // namespace

Controller::Controller(const Context &context, MachineID id, unsigned node, const MachineInfo &info)
    : machineID(id),
      context_(context),
      node_(node),
      info_(info),
      counts_(info.states.size() * info.events.size())
{
    port_of_vnet.fill(-1);
}

Controller::~Controller()
{
    stalled_.for_each([](std::vector<Message *> &waiting) {
        for (Message *message : waiting) {
            message->discard();
        }
    });
    for (Message *message : blocked_) {
        message->discard();
    }
}

inline void
Controller::handle(Message *message)
{
    if (!tried(message)) [[unlikely]] {
        go_on_trying(message);
    }
}

// Returns whether it was taken.
inline bool
Controller::tried(Message *message)
{
    current_ = message;
    taken_ = false;
    release_ = false;
    run_port(message->port);
    current_ = nullptr;
    if (release_) {
        message->discard();
    }
    return taken_;
}

void
Controller::go_on_trying(Message *message)
{
    do {
        if (++message->tries == kMaxTries) {
            fail("tries a message again and again: no action dequeues it or lets it wait");
        }
        if (!context_.queue->nothing_left_now()) {
            try_in_turn(message);
            return;
        }
    } while (!tried(message));
}

void
Controller::arrive(Message *message)
{
    if (message->age == 0) {
        message->age = context_.queue->fired();
    }
    if (message->port < 0) {
        message->port = port_of_vnet[message->vnet];
        if (message->port < 0) [[unlikely]] {
            message->discard();
            fail("gets a message on a virtual network that it does not listen to");
        }
    }
    if (!blocked_.empty() && wait_behind(message)) [[unlikely]] {
        return;
    }
    handle(message);
    if (!blocked_.empty()) [[unlikely]] {
        retry_blocked();
    }
}

// Returns whether it has to.
bool
Controller::wait_behind(Message *message)
{
    if (!is_blocked(message->port)) {
        return false;
    }
    blocked_.push_back(message);
    return true;
}

bool
Controller::is_blocked(int port) const
{
    return std::any_of(blocked_.begin(), blocked_.end(),
                       [port](const Message *m) { return m->port == port; });
}

// Something has changed: try the head of each blocked port, and go on behind one that is taken.
void
Controller::retry_blocked()
{
    for (bool progress = true; progress;) {
        progress = false;
        const std::vector<Message *> waiting = std::exchange(blocked_, {});
        for (Message *message : waiting) {
            if (wait_behind(message)) {
                continue;
            }
            const std::size_t before = blocked_.size();
            handle(message);
            progress = progress || blocked_.size() == before;
        }
    }
}

void
Controller::stall_port()
{
    taken_ = true;
    blocked_.push_back(current_);
}

void
Controller::recycle(int port)
{
    if (port != current_->port || taken_) {
        fail("recycles a message that is not there");
    }
    taken_ = true;
    enqueue_local(current_, port, kRecycleLatency);
}

// Again in this cycle, as gem5 does: when nothing is left on the ports before its own, and before
// what came to its port later than it did.
void
Controller::try_in_turn(Message *message)
{
    message->order = in_order(machineID, static_cast<unsigned>(message->port), 0);
    message->arrive_now(this, *context_.queue);
}

void
Controller::stall(int port, Addr address)
{
    if (port != current_->port || taken_) {
        fail("lets a message wait that is not there");
    }
    taken_ = true;
    current_->tries = 0;
    ++stalled_count_;
    if (std::vector<Message *> *waiting = stalled_.find(address)) {
        waiting->push_back(current_);
    } else {
        stalled_.set(address, {current_});
    }
}

void
Controller::wakeUpAllBuffers(Addr address)
{
    std::vector<Message *> *found = stalled_.find(address);
    if (found == nullptr) {
        return;
    }
    const std::vector<Message *> woken = std::move(*found);
    stalled_.erase(address);
    stalled_count_ -= woken.size();
    for (Message *message : woken) {
        try_in_turn(message);
    }
}

void
Controller::wakeUpAllBuffers()
{
    stalled_.for_each([this](std::vector<Message *> &waiting) {
        for (Message *message : waiting) {
            try_in_turn(message);
        }
    });
    stalled_ = {};
    stalled_count_ = 0;
}

void
Controller::fail(std::string_view what) const
{
    std::ostringstream text;
    text << info_.name << ' ' << machineID.num << " at cycle " << context_.queue->now() << ": "
         << what;
    throw ProtocolError(text.str());
}

void
Controller::fail_assertion(const char *position) const
{
    fail(std::string(position) + ": assertion failed");
}

void
Controller::no_transition(unsigned state, unsigned event, Addr address) const
{
    std::ostringstream where;
    where << "address 0x" << std::hex << address;
    fail(info_.no_transition(state, event, where.str()));
}

} // namespace homeshift::engine
