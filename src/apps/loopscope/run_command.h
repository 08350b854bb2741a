#pragma once

#include "apps/loopscope/run_options.h"

namespace loopscope {

/// `loopscope run`: watches and serves until SIGINT or SIGTERM, or until the program it
/// started has ended. Returns the exit code: 0 after a signal or a child that ended well,
/// 1 after a runtime failure or a child that did not, 2 for a bad configuration.
int run_command(const RunOptions& options);

}  // namespace loopscope
