#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "backlog/attribution.h"
#include "backlog/diag_message.h"

namespace loopscope {

/// Answers questions about the listening sockets of one network namespace and their owners.
/// Immutable.
class ListenerIndex {
 public:
  ListenerIndex() = default;
  ListenerIndex(std::span<const DiagSocket> listeners, std::span<const ListenerOwner> owners);

  /// Watched pids owning a listening socket.
  const std::vector<int>& owners_of(std::uint32_t inode) const;

  /// Whether several listening sockets have this address (SO_REUSEPORT).
  bool has_siblings(const SocketAddress& listener) const;

  /// Ports with an owned listener, ascending.
  const std::vector<std::uint16_t>& owned_ports() const { return owned_ports_; }

  /// The listening address that a connection with this local address came in by.
  std::optional<SocketAddress> listener_for(const SocketAddress& local) const;

  /// How much of a listening address is one process's.
  struct Share {
    bool all_sockets = false;  ///< it owns every socket of that address
    bool alone = false;        ///< ... and no other watched process owns any
  };
  Share share_of(int pid, const SocketAddress& listener) const;

 private:
  struct Group {
    std::size_t sockets = 0;
    std::map<int, std::size_t> owned;  // pid -> how many of the sockets
  };

  std::map<std::uint32_t, std::vector<int>> owners_;
  std::map<SocketAddress, Group> groups_;
  std::vector<std::uint16_t> owned_ports_;
};

}  // namespace loopscope
