#pragma once

#include "apps/loopscope/command_line.h"

namespace loopscope {

/// `loopscope stack PID`: takes the stack of each event loop of a process once and prints
/// what it is doing. Returns the exit code: 1 if no stack could be taken.
int stack_command(const StackOptions& options);

}  // namespace loopscope
