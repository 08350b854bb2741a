#pragma once

#include <uv.h>

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "loopscope/phase.h"
#include "loopscope/stall_record.h"

namespace loopscope {

class SnapshotProvider;

struct LoopMonitorOptions {
  std::string process;  ///< value of the `process` label; empty: the program's name
  /// Value of the `slot` label: tells processes of one name apart (0, 1...), the same after a
  /// restart.
  int slot = 0;
  std::string loop = "main";  ///< value of the `loop` label
  std::chrono::nanoseconds stall_threshold = std::chrono::milliseconds(50);
  std::size_t stalls_kept = 1000;  ///< how many stall records to remember
  /// Look at the loop's stack while it is stalled, from a thread of the library, and name the
  /// function to blame. Needs perf events (kernel.perf_event_paranoid <= 2) for one that
  /// computes; where they are refused, only one that sleeps is named.
  bool stacks = true;
};

/// Measures a libuv loop from inside: lag, phases, stalls (the words are those of the
/// loopscope exporter). Costs well under 100 ns per turn of the loop; see docs.
///
///     loopscope::LoopMonitor monitor(loop, {.process = "my-server"});
///     loopscope::MetricsServer metrics("127.0.0.1:9000", monitor);  // metrics_server.h
///     uv_run(loop, UV_RUN_DEFAULT);
///
/// Attach it before the program starts prepare and check handles of its own: those started
/// earlier run outside its brackets, and their time counts to the neighbouring phase.
///
/// The monitor keeps no loop alive: uv_run() returns as it would without, and uv_walk()
/// and uv_loop_close() do not see its handles. It switches the loop's
/// UV_METRICS_IDLE_TIME on, which makes libuv poll once without waiting before it waits.
///
/// While a loop has work to do, time between two calls of uv_run() counts as busy, because
/// the loop does not poll then. Detach the monitor of a loop that has been stopped for good.
///
/// Threads: construct, detach and destroy on the loop's thread; everything else from any.
class LoopMonitor {
 public:
  /// `loop` must be initialised, and must not be closed before detach().
  explicit LoopMonitor(uv_loop_t* loop, const LoopMonitorOptions& options = {});
  /// Detaches.
  ~LoopMonitor();
  LoopMonitor(const LoopMonitor&) = delete;
  LoopMonitor& operator=(const LoopMonitor&) = delete;

  /// Takes its handles off the loop at once; nothing is left to close. The loop's series
  /// disappear, its stalls stay readable. Further calls do nothing.
  void detach();

  /// How long the loop has been busy without polling; 0 while it waits for events.
  std::chrono::nanoseconds blocked() const;
  /// What it is doing: kPollWait while it waits.
  Phase phase() const;
  /// The last stalls, newest first, one in progress included.
  std::vector<StallRecord> stalls(std::size_t limit = 100) const;

  /// All figures, for MetricsServer and Collectable.
  SnapshotProvider& snapshots() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace loopscope
