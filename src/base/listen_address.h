#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace loopscope {

/// A numeric address and port to listen on.
struct ListenAddress {
  std::string host = "127.0.0.1";  ///< IPv4 or IPv6 literal, without brackets
  std::uint16_t port = 0;          ///< 0: the kernel picks a free one

  /// "127.0.0.1:15667", "[::1]:15667".
  std::string to_string() const;

  friend bool operator==(const ListenAddress&, const ListenAddress&) = default;
};

/// Reads "127.0.0.1:15667", "[::1]:0" or "localhost:15667" (which is 127.0.0.1).
/// Nothing is resolved. Errors: any other host name, no or bad port, no host.
Result<ListenAddress> parse_listen_address(std::string_view text);

}  // namespace loopscope
