#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "loopscope/phase.h"
#include "loopscope/stall_record.h"

// Plain copies of measured state: what core and the collectors hand to export.

namespace loopscope {

/// The labels of one loop's series.
struct LoopLabels {
  std::string process;  ///< configured name, else the program's own
  int pid = 0;          ///< as seen from Loopscope's PID namespace; not a label by default
  std::string loop;     ///< "main", "worker-1"...
  std::vector<std::pair<std::string, std::string>> extra;  ///< of its target and container
  /// Tells processes of one name apart: the lowest number that is free, so that a process that
  /// is started anew has its predecessor's.
  int slot = 0;
};

struct LoopInfo {
  std::string runtime;          ///< "node", "libuv", "unknown"...
  std::string runtime_version;  ///< "22.23.3", libuv's version...; empty: not known
  std::string source;           ///< "uv_stack", "procfs", "library"
  std::string note;             ///< why this source and not a better one; empty: nothing to say
};

struct HistogramSnapshot {
  std::vector<double> bounds;         ///< upper bounds in seconds, ascending, without +Inf
  std::vector<std::uint64_t> counts;  ///< per bucket, not cumulative; last is +Inf
  double sum = 0;                     ///< seconds
  std::uint64_t count = 0;
};

/// Lag of about the last minute, over all instants alike, the busy period in progress included.
struct LagSummary {
  Nanos mean{0};
  Nanos stddev{0};
  Nanos p50{0}, p90{0}, p99{0};
  double busy_share = 0;  ///< of the time; 0 to 1
};

/// Stall totals of one (phase, cause) pair.
struct StallTotals {
  std::uint64_t count = 0;
  Nanos time{0};
};

/// See CulpritKey.
struct CulpritTotals {
  std::string function, file;
  int line = 0;
  std::string package;
  Nanos time{0};

  bool operator==(const CulpritTotals&) const = default;
};

/// All figures of one loop at one instant. Monotone parts never go down from one
/// snapshot to the next, whoever takes them.
struct LoopStatsSnapshot {
  HistogramSnapshot lag;
  std::optional<Nanos> lag_max_1m;   ///< absent: not known of all of that time
  std::optional<LagSummary> lag_1m;  ///< absent: the same, or nothing observed
  /// Busy without polling for this long right now; absent: not known.
  std::optional<Nanos> blocked;
  Nanos stall_threshold = std::chrono::milliseconds(50);
  Phase current_phase = Phase::kUnknown;
  std::array<Nanos, kPhaseCount> phase_time{};
  Nanos active_time{0};
  Nanos idle_time{0};
  std::optional<std::uint64_t> iterations;              ///< absent: the source cannot count turns
  std::optional<HistogramSnapshot> iteration_duration;  ///< exact sources only
  std::array<std::array<StallTotals, kCauseCount>, kPhaseCount> stalls{};
  HistogramSnapshot stall_duration;
  std::vector<CulpritTotals> culprits;
  Nanos timer_lateness{0};
};

/// Over all phases and causes.
inline StallTotals all_stalls(const LoopStatsSnapshot& stats) {
  StallTotals sum;
  for (const auto& causes : stats.stalls) {
    for (const StallTotals& totals : causes) {
      sum.count += totals.count;
      sum.time += totals.time;
    }
  }
  return sum;
}

struct LoopSnapshot {
  LoopLabels labels;
  LoopInfo info;
  LoopStatsSnapshot stats;
  /// What the loops that had these labels before it came to; null: none did. Series go on from
  /// there, see add_totals().
  std::shared_ptr<const LoopStatsSnapshot> before = nullptr;
};

/// One listening address of one process (sockets sharing it through SO_REUSEPORT summed).
struct ListenerSnapshot {
  LoopLabels labels;     ///< loop is "main": the kernel knows the process, not the thread
  std::string listener;  ///< "127.0.0.1:3000", "[::]:3000"
  std::uint64_t depth = 0;
  std::uint64_t limit = 0;
  std::uint64_t max_1m = 0;
  std::optional<std::uint64_t> syn_received;  ///< absent: not measured
  std::optional<std::uint64_t> unread;        ///< absent: not measured
  std::uint64_t owners = 1;    ///< watched processes that have the socket; shown for one of them
  std::optional<Nanos> drain;  ///< what a connection that comes now will wait; absent: not known
};

/// TcpExt counters of one process's network namespace.
struct NetnsSnapshot {
  LoopLabels labels;
  std::uint64_t listen_overflows = 0;
  std::uint64_t listen_drops = 0;
};

/// Health of one source of figures.
struct SourceSnapshot {
  std::string source;  ///< "uv_stack", "procfs", "stacks", "backlog", "discovery", "tcp_ext"
  bool success = true;
  std::string reason;  ///< why not; on success a doubt about a program, or empty
  Nanos duration{0};   ///< of its last pass
  /// False: all that failed lacks a right that is ruled out for Loopscope, as it is for a container
  /// without capabilities.
  bool permitted = true;
};

/// What looking at stacks did and cost.
struct StackCaptureSnapshot {
  std::vector<std::pair<std::string, std::uint64_t>> by_result;  ///< captures, by how they ended
  HistogramSnapshot stops;  ///< for how long targets were stopped for one
};

/// One process, and what its slot stands for now.
struct ProcessSnapshot {
  LoopLabels labels;  ///< `loop` is empty
  std::string runtime;
  std::string runtime_version;
  std::string executable;  ///< its path as the process sees it; empty: not known
};

/// Everything one scrape shows.
struct Snapshot {
  std::vector<ProcessSnapshot> processes;
  std::vector<LoopSnapshot> loops;
  std::vector<ListenerSnapshot> listeners;
  std::vector<NetnsSnapshot> namespaces;
  std::vector<SourceSnapshot> sources;
  std::uint64_t targets = 0;
  Nanos sampler_late{0};
  std::optional<StackCaptureSnapshot> stack_captures;  ///< absent: stacks are not looked at
};

/// Where export gets its figures. Called from HTTP threads; must not block on the target.
class SnapshotProvider {
 public:
  virtual ~SnapshotProvider() = default;
  virtual Snapshot snapshot() = 0;
  /// Newest first, at most `limit`.
  virtual std::vector<StallRecord> stalls(std::size_t limit) = 0;
};

}  // namespace loopscope
