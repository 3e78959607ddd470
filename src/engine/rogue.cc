// SPDX-License-Identifier: BSD-3-Clause

#include "engine/rogue.hh"

#include <stdexcept>
#include <utility>

#include "protocol.hh"

namespace homeshift::engine
{

namespace
{

constexpr std::array kRequests = {std::pair{"GetS", HomeRequestType_GetS},
                                  std::pair{"GetM", HomeRequestType_GetM},
                                  std::pair{"PutS", HomeRequestType_PutS},
                                  std::pair{"PutE", HomeRequestType_PutE},
                                  std::pair{"PutM", HomeRequestType_PutM},
                                  std::pair{"DmaRead", HomeRequestType_DmaRead},
                                  std::pair{"DmaWrite", HomeRequestType_DmaWrite},
                                  std::pair{"Transfer", HomeRequestType_Transfer},
                                  std::pair{"Cancel", HomeRequestType_Cancel},
                                  std::pair{"Fence", HomeRequestType_Fence}};

constexpr std::array kAnswers = {
    std::pair{"DataS", ResponseType_DataS},       std::pair{"DataE", ResponseType_DataE},
    std::pair{"DataM", ResponseType_DataM},       std::pair{"UpgradeAck", ResponseType_UpgradeAck},
    std::pair{"InvAck", ResponseType_InvAck},     std::pair{"PutAck", ResponseType_PutAck},
    std::pair{"WriteAck", ResponseType_WriteAck}, std::pair{"Moved", ResponseType_Moved},
    std::pair{"Kept", ResponseType_Kept},         std::pair{"CancelAck", ResponseType_CancelAck},
    std::pair{"Fenced", ResponseType_Fenced},     std::pair{"Fault", ResponseType_Fault}};
static_assert(kAnswers.size() == ResponseType_NUM);

constexpr int kRequestNetwork = 0;

} // namespace

Rogue::Rogue(Network &network, MachineID self) : network_(network), self_(self)
{
    network_.add(self, this);
}

void
Rogue::ask(const std::string &request, Addr address, unsigned home, std::uint64_t value,
           unsigned other)
{
    for (const auto &[name, type] : kRequests) {
        if (name == request) {
            auto *message = new RequestMsg;
            message->addr = address;
            message->Type = type;
            message->Requestor = self_;
            message->NewHome = other;
            message->FencedNode = other;
            message->DataBlk.token = value;
            message->Destination.add(createMachineID(MachineType_Directory, home));
            message->MessageSize = MessageSizeType_Writeback_Data;
            message->vnet = kRequestNetwork;
            network_.send(message, self_, 1, address);
            return;
        }
    }
    throw std::invalid_argument("a home cannot be asked for '" + request + "'");
}

void
Rogue::arrive(Message *message)
{
    const auto *response = dynamic_cast<const ResponseMsg *>(message);
    const char *found = "Forward";
    for (const auto &[name, type] : kAnswers) {
        if (response != nullptr && response->Type == type) {
            found = name;
        }
    }
    ++answers[found];
    message->discard();
}

} // namespace homeshift::engine
