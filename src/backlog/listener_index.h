#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
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

  /// Watched pids owning a listening socket, the credited one first.
  const std::vector<int>& owners_of(std::uint32_t inode) const;

  /// Whether several listening sockets have this address (SO_REUSEPORT).
  bool has_siblings(const SocketAddress& listener) const;

  /// Ports with an owned listener, ascending.
  const std::vector<std::uint16_t>& owned_ports() const { return owned_ports_; }

  /// The listening address that a connection with this local address came in by.
  std::optional<SocketAddress> listener_for(const SocketAddress& local) const;

  /// How much of a listening address is credited to one process.
  struct Share {
    bool all_sockets = false;  ///< it has every socket of that address
    /// The watched processes that have the sockets credited to it: itself, ascending.
    std::vector<int> holders;
  };
  Share share_of(int pid, const SocketAddress& listener) const;

 private:
  struct Group {
    std::size_t sockets = 0;
    std::map<int, std::size_t> credited;   // pid -> how many of the sockets
    std::map<int, std::set<int>> holders;  // pid -> who else has those
  };

  std::map<std::uint32_t, std::vector<int>> owners_;
  std::map<SocketAddress, Group> groups_;
  std::vector<std::uint16_t> owned_ports_;
};

}  // namespace loopscope
