#pragma once

#include "apps/loopscope/top/top_row.h"

namespace loopscope {

/// A loop of which everything is known; tests change what they are about.
inline TopRow sample_top_row() {
  TopRow row;
  row.process = "api";
  row.pid = 4242;
  row.slot = 2;
  row.loop = "main";
  row.phase_shares[static_cast<std::size_t>(Phase::kPoll)] = 0.5;
  row.phase_shares[static_cast<std::size_t>(Phase::kPollWait)] = 0.5;
  row.utilization = 0.5;
  row.lag_p99 = std::chrono::milliseconds(12);
  row.lag_max = std::chrono::milliseconds(1250);
  row.blocked = std::chrono::milliseconds(300);
  row.stalls = 3;
  row.backlog = TopBacklog{.depth = 500, .limit = 511};
  row.function = "compute";
  row.file = "/srv/app/server.js";
  row.line = 12;
  return row;
}

}  // namespace loopscope
