// SPDX-License-Identifier: BSD-3-Clause
//
// The core's side of a private cache: hands requests to the cache's controller
// and its answers to whoever uses the core, a vCPU or a probe.

#ifndef HOMESHIFT_ENGINE_SEQUENCER_HH
#define HOMESHIFT_ENGINE_SEQUENCER_HH

#include "engine/controller.hh"
#include "engine/message.hh"
#include "engine/structures.hh"
#include "engine/types.hh"

namespace homeshift::engine
{

class CoreUser
{
  public:
    virtual void load_done(Addr line, const DataBlock &data) = 0;

    // The store happens here: the user sets the data.
    virtual void store_done(Addr line, DataBlock &data) = 0;

    // The node has no right to the line: an access fault. There is no data.
    virtual void access_refused(Addr line) = 0;

  protected:
    ~CoreUser() = default;
};

class Sequencer
{
  public:
    // port: the cache's in_port for the core's requests; latency: of a hit, in cycles; faults: the
    // node's home table, which is told of faults first.
    void
    connect(Controller *cache, int port, Cycles latency, HomeTable *faults)
    {
        cache_ = cache;
        port_ = port;
        latency_ = latency;
        faults_ = faults;
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
    readCallback(Addr line, DataBlock &data, bool miss = false, MachineType = MachineType_NUM)
    {
        if (miss && refused(line)) {
            return;
        }
        user->load_done(line, data);
    }

    void
    writeCallback(Addr line, DataBlock &data, bool miss = false, MachineType = MachineType_NUM)
    {
        if (miss && refused(line)) {
            return;
        }
        user->store_done(line, data);
    }

    void
    evictionCallback(Addr)
    {}

    CoreUser *user = nullptr;

  private:
    bool
    refused(Addr line)
    {
        if (faults_ == nullptr || !faults_->take_fault(cache_->id(), line)) {
            return false;
        }
        user->access_refused(line);
        return true;
    }

    Controller *cache_ = nullptr;
    HomeTable *faults_ = nullptr;
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
