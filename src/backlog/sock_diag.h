#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "backlog/diag_message.h"
#include "base/result.h"
#include "base/unique_fd.h"

namespace loopscope {

/// One listening TCP socket.
struct ListenSocket {
  SocketAddress local;
  std::uint32_t inode = 0;
  std::uint32_t uid = 0;    ///< effective uid of its creator
  std::uint32_t depth = 0;  ///< connections waiting to be accepted; full at limit + 1
  std::uint32_t limit = 0;  ///< listen() backlog capped by net.core.somaxconn
};

/// A NETLINK_SOCK_DIAG socket bound for life to one network namespace. Asking needs no
/// privilege inside the own namespace. Not thread-safe.
///
/// After an Error the socket may hold the rest of a broken dump: throw it away and open a
/// new one.
class SockDiag {
 public:
  /// For the network namespace of `pid`. Another namespace than ours is entered by a
  /// short-lived thread (needs CAP_SYS_ADMIN) that leaves the socket behind; no other
  /// thread ever changes namespace.
  static Result<SockDiag> open_for_pid(int pid);
  /// For our own network namespace.
  static Result<SockDiag> open();

  /// Every listening TCP socket, IPv4 and IPv6. The kernel walks its table of listening
  /// sockets only: tens of microseconds, whatever the number of connections.
  Result<std::vector<ListenSocket>> listeners();

  /// Half-open connections (SYN received, not yet acknowledged). Walks the table of all
  /// connections: 1 ms when that is empty, 10-16 ms beside 50,000 connections.
  Result<void> visit_syn_received(std::span<const std::uint16_t> ports, const DiagVisitor& visit);

  /// Established connections, accepted or not, with bytes that nobody has read. Costs a
  /// walk like visit_syn_received. Connections whose client has closed already (CLOSE_WAIT)
  /// are left out: there the kernel counts the end of stream as one unread byte.
  Result<void> visit_unread(std::span<const std::uint16_t> ports, const DiagVisitor& visit);

 private:
  explicit SockDiag(UniqueFd socket);
  Result<void> dump(std::uint32_t states, std::span<const std::uint16_t> ports,
                    const DiagVisitor& visit);
  Result<void> dump_filtered(std::uint32_t states, std::span<const std::uint16_t> ports,
                             const DiagVisitor& visit);
  Result<int> receive_dump(const DiagVisitor& visit);

  UniqueFd socket_;
  std::vector<std::byte> buffer_;
  std::uint32_t sequence_ = 0;
  bool port_filter_works_ = true;
};

}  // namespace loopscope
