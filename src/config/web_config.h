#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/bcrypt_hash.h"
#include "base/result.h"

namespace loopscope {

inline constexpr std::size_t kMaxUsers = 256;
inline constexpr std::size_t kMaxUserNameBytes = 256;

/// Reads who may ask, from a file in Prometheus' web-config format. Of its keys only
/// `basic_auth_users` is supported; one user at least has to be there, so that a file that
/// was emptied opens nothing. Every error is "NAME:LINE:COLUMN: what is wrong", `name`
/// standing for the file; no hash is repeated in it.
Result<UserHashes> parse_web_config(std::string_view yaml, const std::string& name);

/// parse_web_config() of a regular file; errors about the file itself name its path.
Result<UserHashes> read_web_config_file(const std::string& path);

}  // namespace loopscope
