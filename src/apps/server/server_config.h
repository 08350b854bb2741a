#pragma once

#include <string>
#include <string_view>

#include "base/listen_address.h"
#include "base/result.h"

namespace loopscope {

inline constexpr unsigned kMaxClusterWorkers = 256;

/// Settings of loopscope-server.
struct ServerConfig {
  ListenAddress listen{"127.0.0.1", 3000};
  ListenAddress metrics_listen{"127.0.0.1", 15668};
  unsigned cluster = 0;  ///< worker processes; 0: none, the process serves by itself

  friend bool operator==(const ServerConfig&, const ServerConfig&) = default;
};

/// 0 to kMaxClusterWorkers.
Result<unsigned> parse_cluster(std::string_view text);

/// Reads `listen`, `metrics_listen` and `cluster`; what is not mentioned keeps its default.
/// Every error is "NAME:LINE:COLUMN: what is wrong", `name` standing for the file.
Result<ServerConfig> parse_server_config(std::string_view yaml, const std::string& name);

/// parse_server_config() of a regular file; errors about the file itself name its path.
Result<ServerConfig> read_server_config_file(const std::string& path);

}  // namespace loopscope
