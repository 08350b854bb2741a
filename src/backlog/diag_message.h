#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "backlog/socket_address.h"

namespace loopscope {

/// One TCP socket as the kernel's sock_diag reports it.
struct DiagSocket {
  SocketAddress local;
  std::uint8_t state = 0;       ///< TCP_LISTEN, TCP_SYN_RECV, TCP_ESTABLISHED... (netinet/tcp.h)
  std::uint32_t rqueue = 0;     ///< LISTEN: accept-queue depth; else unread bytes
  std::uint32_t wqueue = 0;     ///< LISTEN: the queue's limit; else unacknowledged bytes
  std::uint32_t uid = 0;        ///< owner of the socket; 0 for half-open and unaccepted ones
  std::uint32_t inode = 0;      ///< 0: no process has it (half-open, not yet accepted)
  std::uint32_t interface = 0;  ///< index it is bound to, 0: none
  std::array<std::uint32_t, 2> cookie{};  ///< never reused, unlike the inode
};

using DiagVisitor = std::function<void(const DiagSocket&)>;

/// What one received datagram said about the dump's end.
struct DiagChunk {
  bool done = false;          ///< the dump is complete
  int error = 0;              ///< errno the kernel answered with, 0: none
  std::size_t malformed = 0;  ///< messages skipped because they were cut or lied about a length
};

/// Builds one dump request for TCP sockets in any of `states` (bits 1 << TCP_...), IPv4
/// and IPv6 at once. With `ports` the kernel itself drops sockets with other local ports.
///
/// The request is the TCPDIAG_GETSOCK form because it walks the kernel's socket table once
/// for both families (inet_diag_dump_compat asks for AF_UNSPEC, which the newer
/// SOCK_DIAG_BY_FAMILY form has no handler for): half the cost.
std::vector<std::byte> build_dump_request(std::uint32_t states,
                                          std::span<const std::uint16_t> ports,
                                          std::uint32_t sequence);

/// Most ports one request can filter by; with more, leave `ports` empty and filter yourself.
inline constexpr std::size_t kMaxFilterPorts = 64;

/// Builds a request for exactly this socket: its address, interface and cookie. The answer is
/// one message, or an error (ENOENT, ESTALE) when a look-up of the address finds another.
std::vector<std::byte> build_get_request(const DiagSocket& socket, std::uint32_t sequence);

/// Visits the sockets in one datagram. Pure; any bytes are safe. Messages of another
/// sequence number (an earlier dump that was given up) are skipped.
DiagChunk parse_diag_messages(std::span<const std::byte> datagram, std::uint32_t sequence,
                              const DiagVisitor& visit);

}  // namespace loopscope
