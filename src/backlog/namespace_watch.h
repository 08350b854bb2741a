#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "backlog/attribution.h"
#include "backlog/backlog_options.h"
#include "backlog/budgeted_job.h"
#include "backlog/connection_counts.h"
#include "backlog/listener_index.h"
#include "backlog/netns.h"
#include "backlog/sock_diag.h"

namespace loopscope {

/// One network namespace with watched processes in it: its listening sockets, who owns them,
/// and its counters. A failure leaves the rest going. Not thread-safe.
class NamespaceWatch {
 public:
  NamespaceWatch(const BacklogOptions& options, const Clock& clock);

  /// The watched processes in this namespace; their `sockets` are filled in here, and kept for
  /// those that stay.
  void set_processes(std::vector<WatchedProcess> processes);
  const std::vector<WatchedProcess>& processes() const { return processes_; }

  /// Brings the depths up to date. Between full looks (`full`, or when something is
  /// different from what was expected) only the few owned sockets are asked for, one by one:
  /// that spares the kernel the walk over its table. On failure listeners() is empty,
  /// error() says why, and a new netlink socket is tried a second later.
  void sample_listeners(bool full);
  const std::vector<DiagSocket>& listeners() const { return listeners_; }
  const std::string& error() const { return error_; }
  /// The error is that we are in another network namespace and cannot be given CAP_SYS_ADMIN.
  bool is_ruled_out() const { return is_ruled_out_; }

  /// Whether listening sockets came or went since the last full find_owners().
  bool listeners_changed() const { return known_inodes_ != current_inodes_; }
  /// Whether there are processes whose descriptors have not been scanned yet.
  bool has_new_processes() const;
  /// Scans the processes' descriptors, with `full` all, else those of new processes, and
  /// attributes the listeners.
  void find_owners(bool full);
  const ListenerIndex& index() const { return index_; }
  const std::vector<BacklogNote>& notes() const { return notes_; }

  /// Half-open and unread connections, when due or forced.
  void count_connections(bool force);
  const ConnectionCounts& connections() const { return connections_; }

  /// ListenOverflows and ListenDrops, when due or forced.
  void read_counters(bool force);
  const std::optional<ListenCounters>& counters() const { return counters_; }
  const std::string& counters_error() const { return counters_error_; }
  Nanos counters_duration() const { return counters_job_.last_cost(); }

 private:
  void fail(const std::string& message);
  Result<void> open();
  bool is_closed() const;
  bool refresh_owned();
  void plan_refresh();

  const Clock& clock_;
  std::vector<WatchedProcess> processes_;
  std::optional<SockDiag> diag_;
  Nanos retry_at_{0};
  std::string error_;
  bool is_ruled_out_ = false;

  std::vector<DiagSocket> listeners_;
  std::vector<std::size_t> owned_;             // places in listeners_
  bool can_refresh_ = false;                   // owned_ is up to date, short and without siblings
  std::vector<std::uint32_t> current_inodes_;  // ascending
  std::vector<std::uint32_t> known_inodes_;    // ascending, as of the last full find_owners()
  InodeSet held_elsewhere_;                    // likewise
  ListenerIndex index_;
  std::vector<BacklogNote> notes_;
  ConnectionCounts connections_;

  BudgetedJob counters_job_;
  std::optional<ListenCounters> counters_;
  std::string counters_error_;
};

}  // namespace loopscope
