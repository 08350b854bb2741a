#pragma once

#include <optional>

#include "apps/server/server_config.h"

namespace loopscope::server {

/// Serves in this process until SIGTERM or SIGINT. Returns the exit code.
int run_single(const ServerConfig& config);
/// Starts config.cluster workers, restarts them as needed and shows their metrics together.
int run_cluster(const ServerConfig& config);
/// One worker of run_cluster(): the listening socket and the supervisor's pipe are inherited.
int run_worker(unsigned index);

}  // namespace loopscope::server
