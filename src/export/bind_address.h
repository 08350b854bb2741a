#pragma once

#include <string>
#include <string_view>

#include "base/listen_address.h"
#include "base/result.h"

namespace loopscope {

/// A listen address and what can be done with it.
struct BindAddress : ListenAddress {
  static Result<BindAddress> parse(std::string_view text);

  bool is_v6() const { return host.find(':') != std::string::npos; }
  /// Whether only this machine can connect.
  bool is_loopback() const;
  /// Why nothing can listen here right now; empty: something could.
  std::string why_not() const;
  /// Connects and hangs up, which wakes who waits for a connection here.
  void knock() const;
};

}  // namespace loopscope
