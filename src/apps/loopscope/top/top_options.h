#pragma once

#include <cstdint>
#include <optional>

#include "apps/loopscope/run_options.h"

namespace loopscope {

/// The flags of `loopscope top`.
struct TopOptions {
  RunOptions watch;  ///< what is watched, and how
  Nanos interval = std::chrono::seconds(1);
  std::optional<long> count;  ///< so many tables, then end; absent: until told to end
  bool plain = false;         ///< lines, even on a terminal
};

}  // namespace loopscope
