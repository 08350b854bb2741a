#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <unordered_map>

namespace loopscope {

/// The TCP sockets that listen in one network namespace: inode -> local port.
///
/// The own namespace is asked by NETLINK_SOCK_DIAG with a state filter (50 µs). Others
/// are read from /proc/PID/net/tcp and tcp6, which needs no privilege: the kernel lists
/// listening sockets first (net/ipv4/tcp_ipv4.c, tcp_seq_start), so reading ends at the
/// first other line and does not grow with the connections; with few of them it walks the
/// whole hash table, which takes milliseconds.
class ListenSockets {
 public:
  /// Those of the own namespace; empty if the kernel does not tell.
  static ListenSockets of_own_namespace();
  /// Those of the namespace `pid` is in; empty if it cannot be read.
  static ListenSockets of_namespace(int pid);

  std::optional<std::uint16_t> port_of(std::uint64_t socket_inode) const;
  bool has_port(std::uint16_t port) const;
  bool empty() const { return ports_.empty(); }

  /// Adds the listening sockets in a table's text (whole lines, with or without its head
  /// line). False: a line of another state was met, so there are no more.
  bool add_table(std::string_view text);

 private:
  static constexpr std::size_t kMaxSockets = 65536;
  void add_file(const char* path);
  void add_family(int netlink_socket, std::uint8_t family);

  std::unordered_map<std::uint64_t, std::uint16_t> ports_;
};

}  // namespace loopscope
