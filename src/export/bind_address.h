#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace loopscope {

/// Where to listen: "127.0.0.1:15667", "[::1]:0", "localhost:8080". Port 0 is any free one.
struct BindAddress {
  std::string host;  ///< an IP address, without brackets
  std::uint16_t port = 0;
  bool is_v6 = false;

  static Result<BindAddress> parse(std::string_view text);

  /// HOST:PORT, as it stands in a URL.
  std::string to_string() const;
  /// Whether only this machine can connect.
  bool is_loopback() const;
  /// Why nothing can listen here right now; empty: something could.
  std::string why_not() const;
  /// Connects and hangs up, which wakes who waits for a connection here.
  void knock() const;
};

}  // namespace loopscope
