#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "apps/loopscope/container_labels.h"
#include "apps/loopscope/stall_reporter.h"
#include "backlog/backlog_monitor.h"
#include "config/config.h"
#include "core/snapshot.h"
#include "core/stall_log.h"
#include "culprit/stack_capturer.h"
#include "sources/process_loops.h"
#include "sources/sampler.h"
#include "target/discovery.h"

namespace loopscope {

/// Watches what the configuration selects: one thread discovers processes and their loops
/// now and then, the Sampler looks at the loops, the BacklogMonitor at the listeners.
/// The figures are had by snapshot(), from any thread.
class Watcher final : public SnapshotProvider {
 public:
  /// `child_pid`: watch this process and its descendants instead of the configured
  /// targets. `clock` must outlive this.
  Watcher(const Config& config, std::optional<int> child_pid, const Clock& clock);
  ~Watcher() override;
  Watcher(const Watcher&) = delete;
  Watcher& operator=(const Watcher&) = delete;

  void start();
  void stop();
  /// Applies a changed configuration; targets that stay selected keep their figures.
  void apply(const Config& config);
  /// A target has been found.
  bool ready() const;

  Snapshot snapshot() override;
  std::vector<StallRecord> stalls(std::size_t limit) override;

 private:
  struct Target {
    std::shared_ptr<ProcessLoops> loops;
    LoopLabels labels;  ///< `loop` is empty
    std::optional<int> port_hint;
  };

  void run();
  void discover();
  void take_new_config();
  void drop_ended(const std::vector<FoundProcess>& found);
  void refresh_target(const FoundProcess& process);
  void update_backlog_targets();
  void report(const DiscoveryResult& result);
  /// The collector of a loop can be watched from now on.
  void watch_gc(const ProcessId& process, int tid, const V8StateWord& word);
  void report_problem(int pid, const std::string& source, const std::string& reason);
  LoopLabels labels_of(const FoundProcess& process);
  std::vector<SourceSnapshot> source_snapshots() const;

  const Clock& clock_;
  const std::optional<int> child_pid_;
  StallReporter stall_reporter_;
  StallLog stall_log_;
  StackCapturer capturer_;
  Sampler sampler_;
  UvImageCache images_;
  BacklogMonitor backlog_;

  // Used by the discovery thread alone.
  Config config_;
  Discovery discovery_;
  ContainerLabels container_labels_;
  std::set<std::string> reported_;

  mutable std::mutex mutex_;  ///< guards what follows
  std::condition_variable wake_;
  std::optional<Config> new_config_;
  bool stopping_ = false;
  std::map<ProcessId, Target> targets_;
  Nanos discovery_duration_{0};
  SourceSwitches switches_;

  std::thread thread_;
};

}  // namespace loopscope
