#pragma once

#include <optional>

#include "base/result.h"
#include "config/config.h"
#include "culprit/stack_capturer.h"
#include "sources/process_loops.h"
#include "target/discovery.h"

namespace loopscope {

/// What discovery is to look for, from the configuration; entry i of the selection is
/// target i of the configuration. With a child the child is the only entry. The supervisor is
/// left out, whatever selects it.
Selection selection_of(const Config& config, std::optional<int> child_pid,
                       std::optional<int> supervisor_pid = {});

/// Whether the processes that the configuration names by their pids exist. Error: the first
/// that does not.
Result<void> check_pids(const Config& config);

/// How the processes that selection entry `entry` chose are looked at.
LoopOptions loop_options_of(const Config& config, std::size_t entry);

/// Whether and how the stacks of stalled loops are taken.
StackCapturer::Options capture_options_of(const Config& config);

}  // namespace loopscope
