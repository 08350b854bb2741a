#pragma once

#include "apps/loopscope/top/top_options.h"

namespace loopscope {

/// `loopscope top`: watches like `run` and shows the loops at the terminal until the user
/// leaves, a signal comes, `count` tables were shown or the program it started has ended.
/// Returns the exit code: 0, 1 after a runtime failure or a program that ended badly, 2 for
/// a bad configuration.
int top_command(const TopOptions& options);

}  // namespace loopscope
