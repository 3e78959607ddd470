// SPDX-License-Identifier: BSD-3-Clause
//
// A node's DRAM as gem5's SimpleMemory models it: an access begins when the one
// before has left the bus (a line's size over the bandwidth), and is answered a
// fixed latency after it began. The answer reaches the Memory machine one cycle
// after the clock edge that follows.

#ifndef HOMESHIFT_ENGINE_DRAM_HH
#define HOMESHIFT_ENGINE_DRAM_HH

#include <algorithm>
#include <cstdint>

#include "common/flat_map.hh"
#include "engine/controller.hh"

namespace homeshift::engine
{

class Dram final : public MemoryPort
{
  public:
    // latency and line_time (of a line on the bus) in ps. keep_data: store what is
    // written, which only the data check needs.
    Dram(Tick clock_period, Tick latency, Tick line_time, bool keep_data)
        : clock_period_(clock_period),
          latency_(latency),
          line_time_(line_time),
          keep_data_(keep_data)
    {}

    void
    connect(Controller *memory, int port, EventQueue *queue)
    {
        memory_ = memory;
        port_ = port;
        queue_ = queue;
    }

    void
    request(MemoryMsg *message, Cycle when) override
    {
        const Tick start = std::max(when * clock_period_, free_at_);
        free_at_ = start + line_time_;
        busy += line_time_;
        if (message->Type == MemoryRequestType_MEMORY_READ) {
            ++reads;
            const std::uint64_t *stored = keep_data_ ? data_.find(message->addr) : nullptr;
            message->DataBlk.token = stored ? *stored : 0;
        } else {
            ++writes;
            if (keep_data_) {
                data_.set(message->addr, message->DataBlk.token);
            }
        }
        message->OriginalRequestorMachId = message->Sender;
        const Cycle edge = (start + latency_ + clock_period_ - 1) / clock_period_;
        memory_->enqueue_local(message, port_, edge + 1 - queue_->now());
    }

    std::uint64_t reads = 0;
    std::uint64_t writes = 0;
    Tick busy = 0;

  private:
    Tick clock_period_;
    Tick latency_;
    Tick line_time_;
    bool keep_data_;
    Tick free_at_ = 0;
    Controller *memory_ = nullptr;
    int port_ = 0;
    EventQueue *queue_ = nullptr;
    FlatMap<std::uint64_t> data_;
};

} // namespace homeshift::engine

#endif // HOMESHIFT_ENGINE_DRAM_HH
