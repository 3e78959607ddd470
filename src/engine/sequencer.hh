// SPDX-License-Identifier: BSD-3-Clause
//
// The core's side of a private cache: hands requests to the cache's controller
// and its answers to whoever uses the core, a vCPU or a probe.

#ifndef HOMESHIFT_ENGINE_SEQUENCER_HH
#define HOMESHIFT_ENGINE_SEQUENCER_HH

#include "engine/controller.hh"
#include "engine/message.hh"
#include "engine/types.hh"

namespace homeshift::engine
{

class CoreUser
{
  public:
    virtual void load_done(Addr line, const DataBlock &data) = 0;

    // The store happens here: the user sets the data.
    virtual void store_done(Addr line, DataBlock &data) = 0;

  protected:
    ~CoreUser() = default;
};

class Sequencer
{
  public:
    // port: the cache's in_port for the core's requests; latency: of a hit, in cycles.
    void
    connect(Controller *cache, int port, Cycles latency)
    {
        cache_ = cache;
        port_ = port;
        latency_ = latency;
    }

    // The user must not ask for a line again before the answer.
    void
    issue(Addr address, bool write)
    {
        auto *request = new RubyRequest;
        request->PhysicalAddress = address;
        request->LineAddress = address & ~(kLineBytes - 1);
        request->Type = write ? RubyRequestType_ST : RubyRequestType_LD;
        cache_->enqueue_local(request, port_, latency_);
    }

    void
    readCallback(Addr line, DataBlock &data, bool = false, MachineType = MachineType_NUM)
    {
        user->load_done(line, data);
    }

    void
    writeCallback(Addr line, DataBlock &data, bool = false, MachineType = MachineType_NUM)
    {
        user->store_done(line, data);
    }

    void
    evictionCallback(Addr)
    {}

    CoreUser *user = nullptr;

  private:
    Controller *cache_ = nullptr;
    int port_ = 0;
    Cycles latency_ = 1;
};

// A device's side of its DMA machine.
class DMASequencer
{
  public:
    class User
    {
      public:
        virtual void read_done(Addr line, const DataBlock &data) = 0;
        virtual void write_done(Addr line) = 0;

      protected:
        ~User() = default;
    };

    void
    dataCallback(const DataBlock &data, Addr line)
    {
        user->read_done(line, data);
    }

    void
    ackCallback(Addr line)
    {
        user->write_done(line);
    }

    User *user = nullptr;
};

} // namespace homeshift::engine

#endif // HOMESHIFT_ENGINE_SEQUENCER_HH
