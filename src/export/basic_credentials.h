#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace loopscope {

/// Who a request says it comes from.
struct BasicCredentials {
  std::string user;
  std::string password;
};

/// Reads an Authorization header of HTTP's scheme Basic (RFC 7617). Nothing: absent, another
/// scheme, not base64, no colon, a NUL byte, or more than 1 KiB.
std::optional<BasicCredentials> parse_basic_credentials(std::string_view authorization);

}  // namespace loopscope
