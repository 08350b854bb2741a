#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/listen_address.h"
#include "base/name_pattern.h"
#include "base/result.h"

namespace loopscope {

enum class LogFormat { kText, kJson };
enum class LogLevel { kDebug, kInfo, kWarn, kError };

/// Which processes to watch and what to call them. At least one of `pid`, `process` and
/// `port` is set; a process is selected when everything that is set applies to it.
struct TargetConfig {
  std::string name;  ///< value of the `process` label; empty: the process's comm
  std::optional<int> pid;
  std::optional<NamePattern> process;  ///< found in comm, executable name or command line
  std::optional<std::uint16_t> port;   ///< a TCP port it listens on
  /// Constant labels for every series of these processes, sorted by name.
  std::vector<std::pair<std::string, std::string>> labels;
  std::optional<Nanos> stall_threshold;  ///< absent: Config::stall_threshold
  bool internal_loops = false;           ///< also V8's internal DelayedTaskScheduler loop

  friend bool operator==(const TargetConfig&, const TargetConfig&) = default;
};

/// Which ways of looking at targets are used.
struct SourceSwitches {
  bool uv_stack = true;
  bool procfs = true;
  bool backlog = true;

  friend bool operator==(const SourceSwitches&, const SourceSwitches&) = default;
};

/// Every setting of `loopscope run`, complete and within bounds. Keys, bounds and what
/// a reload applies: docs/configuration.md.
struct Config {
  ListenAddress listen{"127.0.0.1", 15667};
  LogFormat log_format = LogFormat::kText;
  LogLevel log_level = LogLevel::kInfo;
  Nanos stall_threshold = std::chrono::milliseconds(50);
  Nanos sample_interval = std::chrono::milliseconds(1);  ///< the fastest rate used
  Nanos backlog_interval = std::chrono::milliseconds(50);
  Nanos discovery_interval = std::chrono::seconds(1);
  std::size_t max_loops = 1000;
  SourceSwitches sources;
  /// Processes selected by any of these are watched; the first that selects one names
  /// it. Empty: every process with a listening TCP socket and an event loop.
  std::vector<TargetConfig> targets;

  friend bool operator==(const Config&, const Config&) = default;
};

/// Checks what single values cannot show: that sample_interval is at most a fifth of
/// every stall threshold.
Result<void> check_consistency(const Config& config);

/// Names of the settings that differ and take effect only after a restart ("listen").
/// Everything else is applied by a reload.
std::vector<std::string> restart_needed(const Config& before, const Config& after);

}  // namespace loopscope
