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
#include "log/log_settings.h"

namespace loopscope {

/// Which processes to watch and what to call them. At least one of `pid`, `process` and
/// `port` is set; a process is selected when everything that is set applies to it.
struct TargetConfig {
  std::string name;  ///< value of the `process` label; empty: Program::name
  std::optional<int> pid;
  std::optional<NamePattern> process;  ///< found in a name or the command line
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

/// Whether and how the stacks of stalled loops are looked at, to name who blocks them.
struct StackSwitches {
  bool enabled = true;
  bool perf = true;      ///< perf events sample a running thread; it is never stopped
  bool sleeping = true;  ///< /proc tells where a sleeping thread stands
  bool ptrace = true;    ///< stops a thread for a fraction of a millisecond, if nothing else works

  friend bool operator==(const StackSwitches&, const StackSwitches&) = default;
};

/// The file that ended stalls are written to.
struct StallLogConfig {
  std::string file;  ///< empty: none
  std::uint64_t max_bytes = std::uint64_t{10} << 20;
  std::size_t keep = 3;  ///< rotated files kept

  friend bool operator==(const StallLogConfig&, const StallLogConfig&) = default;
};

/// Names of other monitors that the loops of Node processes are shown under as well.
struct CompatibilitySwitches {
  bool prom_client = false;
  bool opentelemetry = false;

  friend bool operator==(const CompatibilitySwitches&, const CompatibilitySwitches&) = default;
};

/// Whether series carry the container of their process as labels.
struct ContainerLabelSettings {
  bool enabled = false;
  /// Where kubelet keeps a link for each container, whose name has the pod's.
  std::string names = "/var/log/containers";

  friend bool operator==(const ContainerLabelSettings&, const ContainerLabelSettings&) = default;
};

/// Every setting of `loopscope run`, complete and within bounds. Keys, bounds and what
/// a reload applies: docs/configuration.md.
struct Config {
  ListenAddress listen{"127.0.0.1", 15667};
  std::string web_config;  ///< the file that says who may ask; empty: everybody
  LogFormat log_format = LogFormat::kText;
  LogLevel log_level = LogLevel::kInfo;
  Nanos stall_threshold = std::chrono::milliseconds(50);
  Nanos sample_interval = std::chrono::milliseconds(1);  ///< the fastest rate used
  Nanos backlog_interval = std::chrono::milliseconds(50);
  Nanos discovery_interval = std::chrono::seconds(1);
  std::size_t max_loops = 1000;
  SourceSwitches sources;
  StackSwitches stacks;
  StallLogConfig stall_log;
  CompatibilitySwitches compatibility;
  bool all_metrics = false;  ///< also series at 0 and buckets that hardly anybody asks for
  bool pid_label = false;    ///< series carry the pid, too, and so are new with every restart
  ContainerLabelSettings container_labels;
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
