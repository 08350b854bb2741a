#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "backlog/backlog_options.h"
#include "backlog/budgeted_job.h"
#include "backlog/namespace_watch.h"
#include "backlog/netns.h"
#include "core/rolling_max.h"
#include "core/snapshot.h"
#include "target/process_id.h"

namespace loopscope {

/// What one pass saw, ready to be copied into a Snapshot.
struct BacklogReport {
  std::vector<ListenerSnapshot> listeners;
  std::vector<NetnsSnapshot> namespaces;
  std::vector<SourceSnapshot> sources;
  std::vector<BacklogNote> notes;
};

/// Does the sampling of BacklogMonitor, one pass at a time. Not thread-safe.
class BacklogSampler {
 public:
  BacklogSampler(const BacklogOptions& options, const Clock& clock);

  /// Processes that stay (same pid and start time) keep their rolling maxima.
  void set_targets(std::vector<BacklogTarget> targets);

  /// One pass: queue depths always, the rest when due, all of it with `force`.
  BacklogReport sample(bool force);

 private:
  struct Target {
    BacklogTarget config;
    ProcessId id;
  };
  struct Series {
    RollingMax<std::uint64_t> max{std::chrono::minutes(1)};
    std::uint64_t depth = 0;
    std::uint64_t limit = 0;
    std::size_t owners = 0;  ///< watched processes that have the socket
    bool present = false;
  };
  using SeriesKey = std::pair<ProcessId, SocketAddress>;

  void group_by_namespace();
  void find_owners(Nanos begin, bool full);
  void add_depths(const NamespaceWatch& watch);
  void update_maxima(Nanos now);
  BacklogReport report(Nanos begin, Nanos now);
  void report_namespace(const NamespaceWatch& watch, Nanos now, BacklogReport& out);
  void report_health(Nanos begin, BacklogReport& out) const;

  BacklogOptions options_;
  const Clock& clock_;
  std::map<int, Target> targets_;  // by pid
  std::map<NetnsId, NamespaceWatch> namespaces_;
  std::vector<BacklogNote> unplaced_;  // processes whose namespace cannot be told
  BudgetedJob group_job_;
  BudgetedJob owner_job_;
  bool targets_changed_ = false;
  std::map<SeriesKey, Series> series_;
};

}  // namespace loopscope
