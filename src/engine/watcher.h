#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "backlog/backlog_monitor.h"
#include "base/worker_thread.h"
#include "config/config.h"
#include "core/snapshot.h"
#include "core/stall_log.h"
#include "culprit/stack_capturer.h"
#include "engine/loop_collector.h"
#include "engine/observer_log.h"
#include "engine/stall_reporter.h"
#include "engine/target_naming.h"
#include "engine/target_registry.h"
#include "target/discovery.h"

namespace loopscope {

/// Watches what the configuration selects: one thread discovers processes and their loops
/// now and then, the Sampler looks at the loops, the BacklogMonitor at the listeners.
/// The figures are had by snapshot(), from any thread.
class Watcher final : public SnapshotProvider {
 public:
  /// `child_pid`: watch this process and its descendants instead of the configured
  /// targets. `supervisor_pid`: never watch this one, as little as the own process. `clock` must
  /// outlive this.
  Watcher(const Config& config, std::optional<int> child_pid, const Clock& clock,
          std::optional<int> supervisor_pid = {});
  ~Watcher() override;
  Watcher(const Watcher&) = delete;
  Watcher& operator=(const Watcher&) = delete;

  /// Error: the system has no thread left for it.
  Result<void> start();
  void stop();
  /// Applies a changed configuration; targets that stay selected keep their figures.
  void apply(const Config& config);
  /// A target has been found.
  bool ready() const;

  Snapshot snapshot() override;
  std::vector<StallRecord> stalls(std::size_t limit) override;

 private:
  Nanos look();
  void take_new_config();
  void apply_config();
  void discover();
  void drop_ended(const std::vector<FoundProcess>& found);
  void refresh_target(const FoundProcess& process);
  void update_backlog_targets();
  void report(const DiscoveryResult& result);
  void append_sources(Snapshot& out) const;

  const Clock& clock_;
  const std::optional<int> child_pid_;
  const std::optional<int> supervisor_pid_;
  StallReporter stall_reporter_;
  StallLog stall_log_;
  StackCapturer capturer_;
  TargetRegistry targets_;
  LoopCollector loops_;
  BacklogMonitor backlog_;

  // Used by the discovery thread alone.
  Config config_;
  bool config_applied_ = true;
  Discovery discovery_;
  TargetNaming naming_;
  ObserverLog log_;

  mutable std::mutex mutex_;  ///< guards what follows
  std::optional<Config> new_config_;
  Nanos discovery_duration_{0};
  std::string discovery_problem_;
  SourceSwitches switches_;
  bool stacks_enabled_ = true;

  WorkerThread thread_;  ///< last: it ends before what it uses
};

}  // namespace loopscope
