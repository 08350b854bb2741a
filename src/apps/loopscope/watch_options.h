#pragma once

#include <CLI/CLI.hpp>

#include "apps/loopscope/run_options.h"
#include "apps/loopscope/top/top_options.h"

namespace loopscope {

/// The flags that `run` and `top` share: which processes are watched, and how.
void add_watch_options(CLI::App& app, RunOptions& options);

/// Adds the subcommand `top`.
CLI::App* add_top(CLI::App& app, TopOptions& options);

}  // namespace loopscope
