#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "backlog/backlog_options.h"
#include "backlog/backlog_sampler.h"
#include "base/clock.h"
#include "core/snapshot.h"

namespace loopscope {

/// Watches the accept backlog of processes' listening TCP sockets from outside, in a thread
/// of its own: accept-queue depth, limit, rolling maximum, half-open and unread connections,
/// and the TcpExt listen counters of their network namespaces. Never touches a process.
///
/// Needs no privilege for processes in our own network namespace whose descriptors we may
/// list; without the latter see attribute_listeners() for what is done instead. Another
/// network namespace needs CAP_SYS_ADMIN. What cannot be measured is left out, with the
/// reason in the "backlog" source and in notes(). While there are no targets the thread
/// sleeps.
///
/// All members may be called from any thread.
class BacklogMonitor {
 public:
  /// `clock` must outlive the monitor.
  BacklogMonitor(const BacklogOptions& options, const Clock& clock);
  ~BacklogMonitor();
  BacklogMonitor(const BacklogMonitor&) = delete;
  BacklogMonitor& operator=(const BacklogMonitor&) = delete;

  /// Replaces the watched processes (one entry per pid). Those that stay keep their maxima;
  /// the others' series vanish at the next pass.
  void set_targets(std::vector<BacklogTarget> targets);

  /// Another interval between the looks at the queue depths.
  void set_interval(Nanos interval);

  /// Starts the thread, if it does not run. False: the system has none left, which the "backlog"
  /// source says too; try again later.
  bool start();
  /// Ends the thread. Harmless when it does not run.
  void stop();

  /// Does one pass with every part, due or not, in the calling thread.
  void sample_once();

  /// Appends the listeners, namespaces and sources of the last pass. No system calls.
  void append_snapshot(Snapshot& out) const;

  /// What the last pass has to say about single processes (for people: log, doctor).
  std::vector<BacklogNote> notes() const;

 private:
  void run();
  void sample(bool force);

  std::mutex sampling_mutex_;  // taken before state_mutex_
  BacklogSampler sampler_;

  mutable std::mutex state_mutex_;
  std::condition_variable wake_;
  std::optional<std::vector<BacklogTarget>> new_targets_;
  bool has_targets_ = false;
  bool stopping_ = false;
  Nanos interval_;
  BacklogReport last_;
  std::string start_problem_;  ///< why there is no thread; empty: there is one, or none is wanted

  std::mutex lifecycle_mutex_;  // guards thread_; taken first
  std::thread thread_;
};

}  // namespace loopscope
