#include "backlog/socket_address.h"

#include <arpa/inet.h>

#include <algorithm>

namespace loopscope {
namespace {

constexpr std::array<std::uint8_t, 12> kMappedPrefix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

bool is_mapped(const SocketAddress& address) {
  return address.ipv6 &&
         std::equal(kMappedPrefix.begin(), kMappedPrefix.end(), address.bytes.begin());
}

SocketAddress wildcard(bool ipv6, std::uint16_t port) {
  SocketAddress any;
  any.ipv6 = ipv6;
  any.port = port;
  return any;
}

}  // namespace

std::string to_label(const SocketAddress& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  ::inet_ntop(address.ipv6 ? AF_INET6 : AF_INET, address.bytes.data(), text.data(), text.size());
  const std::string port = std::to_string(address.port);
  if (address.ipv6) return "[" + std::string(text.data()) + "]:" + port;
  return std::string(text.data()) + ":" + port;
}

std::vector<SocketAddress> listening_candidates(const SocketAddress& local) {
  std::vector<SocketAddress> candidates{local};
  if (is_mapped(local)) {
    SocketAddress plain = wildcard(false, local.port);
    std::copy(local.bytes.begin() + kMappedPrefix.size(), local.bytes.end(), plain.bytes.begin());
    candidates.push_back(plain);
  }
  if (!local.ipv6) candidates.push_back(wildcard(false, local.port));
  candidates.push_back(wildcard(true, local.port));
  if (is_mapped(local)) candidates.push_back(wildcard(false, local.port));
  return candidates;
}

}  // namespace loopscope
