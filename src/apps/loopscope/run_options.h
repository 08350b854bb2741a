#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/name_pattern.h"
#include "config/config.h"

namespace loopscope {

/// The flags of `loopscope run`; what was not given stays absent or empty.
struct RunOptions {
  std::string config_file;
  std::vector<int> pids;
  std::vector<NamePattern> names;
  std::vector<std::uint16_t> ports;
  std::optional<ListenAddress> listen;
  std::string web_config_file;
  bool wait_for_web_config = false;  ///< its absence at the start is no error
  std::optional<Nanos> stall_threshold;
  std::optional<Nanos> sample_interval;
  std::optional<LogFormat> log_format;
  std::optional<LogLevel> log_level;
  bool no_stacks = false;
  std::string stall_log_file;
  std::optional<CompatibilitySwitches> compatibility;
  bool container_labels = false;
  std::optional<bool> all_metrics;
  bool pid_label = false;
  bool supervise = false;  ///< this process is the child of a Supervisor
  /// The program after "--" and its arguments, untouched; excludes pids, names, ports.
  std::vector<std::string> command;
};

/// The configuration file, if there is one, with the flags laid over it. Selecting flags
/// replace the file's targets: one target per flag, so a process that any of them selects
/// is watched. With a command `targets` is empty: the caller adds the child it starts.
/// To be called again for a reload. Errors: those of read_config_file(), settings
/// that contradict each other, or a web configuration to wait for that is not named.
Result<Config> effective_config(const RunOptions& options);

}  // namespace loopscope
