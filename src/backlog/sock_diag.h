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
  /// rqueue is the accept-queue depth (full at limit + 1), wqueue its limit: the listen()
  /// backlog capped by net.core.somaxconn.
  Result<std::vector<DiagSocket>> listeners();

  /// Brings the figures of one listening socket up to date without walking any table: a few
  /// microseconds. False: the kernel does not find exactly this socket, because it was
  /// closed or because SO_REUSEPORT siblings share its address; use listeners().
  Result<bool> refresh(DiagSocket& listener);

  /// Connections whose local port is one of `ports`: half-open ones (TCP_SYN_RECV: SYN
  /// received, not yet acknowledged), those that wait to be accepted (inode 0; TCP_ESTABLISHED,
  /// or TCP_CLOSE_WAIT where the client has closed already) and established ones with bytes
  /// that nobody has read. Walks the table of all connections: 1 ms when that is empty,
  /// 10-50 ms beside 50,000 connections.
  ///
  /// Of accepted connections whose client has closed already nothing is said: there the kernel
  /// counts the end of stream as one unread byte.
  Result<void> visit_connections(std::span<const std::uint16_t> ports, const DiagVisitor& visit);

 private:
  explicit SockDiag(UniqueFd socket);
  Result<void> dump(std::uint32_t states, std::span<const std::uint16_t> ports,
                    const DiagVisitor& visit);
  Result<void> send(std::span<const std::byte> request);
  Result<DiagChunk> receive(const DiagVisitor& visit);
  Result<int> receive_dump(const DiagVisitor& visit);

  UniqueFd socket_;
  std::vector<std::byte> buffer_;
  std::uint32_t sequence_ = 0;
  bool port_filter_works_ = true;
};

}  // namespace loopscope
