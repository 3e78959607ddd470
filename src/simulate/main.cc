// SPDX-License-Identifier: BSD-3-Clause
//
// Any protocol of the supported subset on the embedded engine: a crossbar of nodes
// whose cores load and store at random, and a device. Every value that is read is
// checked. It is built and called by `python -m homeshift.check.simulate`, with the
// engine's own event queue, network, caches and controllers.
//
//   simulate ACCESSES LINES WRITE_RATIO SEED

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <unordered_map>

#include "common/random.hh"
#include "engine/runtime.hh"
#include "replay/crossbar.hh"

namespace homeshift::engine
{

constexpr Cycles kMemoryLatency = 60;
constexpr std::uint64_t kCacheBytes = 512;
constexpr std::uint64_t kMemoryBytes = std::uint64_t{8} << 20; // 131,072 lines, at most
constexpr unsigned kAssociativity = 2;
constexpr Cycles kPatience = 1'000'000;

class WrongValue : public std::runtime_error
{
    using std::runtime_error::runtime_error;
};

// Who wrote each line last. A device's value counts from when memory has it.
struct Values
{
    std::uint64_t next = 1;
    std::unordered_map<Addr, std::uint64_t> last;
    std::unordered_map<Addr, std::uint64_t> memory;
    std::uint64_t of_device = 0; // on its way to memory

    void
    loaded(Addr line, const DataBlock &data)
    {
        if (data.token != last[line]) {
            throw WrongValue("a load of line " + std::to_string(line / kLineBytes) +
                             " returns value " + std::to_string(data.token) + ", the last is " +
                             std::to_string(last[line]));
        }
    }
};

class SimpleDram final : public MemoryPort
{
  public:
    SimpleDram(Values &values, Controller *machine, int port)
        : values_(values), machine_(machine), port_(port)
    {}

    void
    request(MemoryMsg *message, Cycle) override
    {
        if (message->Type == MemoryRequestType_MEMORY_READ) {
            message->DataBlk.token = values_.memory[message->addr];
        } else {
            values_.memory[message->addr] = message->DataBlk.token;
            if (values_.of_device != 0 && message->DataBlk.token == values_.of_device) {
                values_.last[message->addr] = values_.of_device;
                values_.of_device = 0;
            }
        }
        message->OriginalRequestorMachId = message->Sender;
        machine_->enqueue_local(message, port_, kMemoryLatency);
    }

  private:
    Values &values_;
    Controller *machine_;
    int port_;
};

// Asks, waits for the answer, asks again.
class Core final : public CoreUser, public Event
{
  public:
    Core(Values &values, EventQueue &queue, Sequencer &sequencer, std::uint64_t lines,
         double write_ratio, std::uint64_t seed, std::uint64_t number)
        : values_(values),
          queue_(queue),
          sequencer_(sequencer),
          lines_(lines),
          write_ratio_(write_ratio),
          random_(seed, number)
    {
        sequencer.user = this;
        queue_.schedule(this, 1 + number);
    }

    void
    fire() override
    {
        const bool write = random_.below(1000) < write_ratio_ * 1000;
        start_ = queue_.now();
        sequencer_.issue(random_.below(lines_) * kLineBytes, write);
    }

    void
    load_done(Addr line, const DataBlock &data, bool) override
    {
        values_.loaded(line, data);
        done();
    }

    void
    store_done(Addr line, DataBlock &data, bool) override
    {
        data.token = values_.last[line] = values_.next++;
        done();
    }

    void
    access_refused(Addr) override
    {
        done();
    }

    std::uint64_t accesses = 0;
    std::uint64_t latency = 0;

  private:
    void
    done()
    {
        ++accesses;
        latency += queue_.now() - start_;
        queue_.schedule(this, queue_.now() + 1);
    }

    Values &values_;
    EventQueue &queue_;
    Sequencer &sequencer_;
    std::uint64_t lines_;
    double write_ratio_;
    Random random_;
    Cycle start_ = 0;
};

// Reads and writes memory now and then.
class Device final : public DMASequencer::User, public Event
{
  public:
    Device(Values &values, EventQueue &queue, Controller *machine, int port, std::uint64_t lines,
           std::uint64_t seed)
        : values_(values),
          queue_(queue),
          machine_(machine),
          port_(port),
          lines_(lines),
          random_(seed, 1000)
    {
        queue_.schedule(this, 10);
    }

    void
    fire() override
    {
        auto *request = new SequencerMsg;
        request->LineAddress = request->PhysicalAddress = random_.below(lines_) * kLineBytes;
        request->Type = random_.below(2) != 0 ? SequencerRequestType_ST : SequencerRequestType_LD;
        if (request->Type == SequencerRequestType_ST) {
            request->DataBlk.token = values_.of_device = values_.next++;
        }
        oldest_ = values_.last[request->LineAddress];
        machine_->enqueue_local(request, port_, 1);
    }

    // Any value that was the last at some time since it asked: they count upwards, all but its own.
    void
    read_done(Addr line, const DataBlock &data) override
    {
        if (data.token < oldest_ && data.token != values_.last[line]) {
            throw WrongValue("a device reads an old value of line " +
                             std::to_string(line / kLineBytes));
        }
        done();
    }

    void
    write_done(Addr line) override
    {
        if (values_.of_device != 0) {
            throw WrongValue("a device's write of line " + std::to_string(line / kLineBytes) +
                             " ends before memory has it");
        }
        done();
    }

    std::uint64_t accesses = 0;

  private:
    void
    done()
    {
        ++accesses;
        queue_.schedule(this, queue_.now() + 200);
    }

    Values &values_;
    EventQueue &queue_;
    Controller *machine_;
    int port_;
    std::uint64_t lines_;
    Random random_;
    std::uint64_t oldest_ = 0;
};

} // namespace homeshift::engine

#include "simulation.hh" // generated: struct Node, Single and build()

namespace homeshift::engine
{

namespace
{

int
run(std::uint64_t accesses, std::uint64_t lines, double write_ratio, std::uint64_t seed)
{
    Values values;
    auto queue = std::make_unique<EventQueue>();
    Network network(small_crossbar(kNodes), *queue, 1);
    Simulation simulation(*queue, network, values);
    std::vector<std::unique_ptr<Core>> cores;
    for (Sequencer *sequencer : simulation.sequencers) {
        cores.push_back(std::make_unique<Core>(values, *queue, *sequencer, lines, write_ratio, seed,
                                               cores.size()));
    }
    std::vector<std::unique_ptr<Device>> devices;
    for (const auto &[sequencer, machine, port] : simulation.devices) {
        devices.push_back(std::make_unique<Device>(values, *queue, machine, port, lines, seed));
        sequencer->user = devices.back().get();
    }
    std::uint64_t done = 0, before = 0;
    try {
        while (done < accesses) {
            queue->run(queue->now() + std::max<Cycles>(kPatience / 100, accesses / 10));
            done = 0;
            for (const auto &core : cores) {
                done += core->accesses;
            }
            if (done == before) {
                throw std::runtime_error("deadlock: no access ends any more");
            }
            before = done;
        }
    } catch (const std::exception &error) {
        std::cout << "failed: " << error.what() << '\n';
        std::_Exit((std::cout.flush(), 1));
    }
    std::uint64_t latency = 0, of_devices = 0;
    for (const auto &core : cores) {
        latency += core->latency;
    }
    for (const auto &device : devices) {
        of_devices += device->accesses;
    }
    std::cout << "accesses of cores    " << done << ", each checked\n"
              << "accesses of devices  " << of_devices << ", each checked\n"
              << "cycles               " << queue->now() << '\n'
              << "mean latency         " << static_cast<double>(latency) / static_cast<double>(done)
              << " cycles\n"
              << "bytes between nodes  " << network.between_nodes().bytes() << '\n';
    for (const Controller *controller : simulation.controllers) {
        const MachineInfo &info = controller->info();
        const std::span<const std::uint64_t> counts = controller->counts();
        for (std::size_t i = 0; i < counts.size(); ++i) {
            if (counts[i] != 0) {
                std::cout << info.name << ' ' << controller->id().num << ' '
                          << info.states[i / info.events.size()] << ' '
                          << info.events[i % info.events.size()] << ' ' << counts[i] << '\n';
            }
        }
    }
    std::cout.flush();
    std::_Exit(0); // cores lie in the event queue and point to each other: nothing to tidy up
}

} // namespace

} // namespace homeshift::engine

int
main(int count, char **arguments)
{
    if (count != 5) {
        return 2;
    }
    return homeshift::engine::run(std::stoull(arguments[1]), std::stoull(arguments[2]),
                                  std::stod(arguments[3]), std::stoull(arguments[4]));
}
