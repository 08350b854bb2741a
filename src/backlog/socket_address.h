#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <vector>

namespace loopscope {

/// Local address of one TCP socket.
struct SocketAddress {
  bool ipv6 = false;
  std::array<std::uint8_t, 16> bytes{};  ///< network order; IPv4 uses the first four
  std::uint16_t port = 0;                ///< host order

  auto operator<=>(const SocketAddress&) const = default;
};

/// "127.0.0.1:3000", "[::]:3000".
std::string to_label(const SocketAddress& address);

/// The listening addresses that may have produced a connection with this local address,
/// best first: the address itself, then the wildcards that would have accepted it. An
/// IPv4 connection of a dual-stack listener shows up as ::ffff:a.b.c.d.
std::vector<SocketAddress> listening_candidates(const SocketAddress& local);

}  // namespace loopscope
