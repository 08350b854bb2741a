#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "backlog/attribution.h"
#include "backlog/backlog_options.h"
#include "backlog/budgeted_job.h"
#include "backlog/drain_estimate.h"
#include "backlog/listener_index.h"
#include "backlog/sock_diag.h"

namespace loopscope {

/// The figures of one network namespace that need a walk over all its connections:
/// half-open ones and ones with unread bytes. Done rarely, and for the ports of watched
/// listeners only. Not thread-safe.
class ConnectionCounts {
 public:
  ConnectionCounts(const BacklogOptions& options, const Clock& clock);

  /// Connections in the accept queues by listening address, of all its sockets.
  using Depths = std::map<SocketAddress, std::uint64_t>;

  /// Counts when due, or with `force`; sooner while one of these queues is not empty.
  Result<void> update(SockDiag& diag, const ListenerIndex& index,
                      std::span<const WatchedProcess> processes, const Depths& depths, bool force);

  /// Half-open connections of a listening address. The kernel does not say which of several
  /// SO_REUSEPORT sockets they belong to: absent unless all of them are credited to the process.
  std::optional<std::uint64_t> syn_received(const WatchedProcess& process,
                                            const SocketAddress& listener,
                                            const ListenerIndex& index) const;

  /// Connections with unread bytes. Where other processes have sockets of that address, those
  /// that `process` (and who shares its socket) has accepted plus the unaccepted ones, of which
  /// its queue holds `depth` at most; absent if its descriptors cannot be read.
  std::optional<std::uint64_t> unread(const WatchedProcess& process, const SocketAddress& listener,
                                      const ListenerIndex& index, std::uint64_t depth) const;

  /// How long the queue takes to drain (see DrainEstimate); absent as well where other processes
  /// have sockets of that address, as the kernel does not say which queue a connection is in.
  std::optional<Nanos> drain(const WatchedProcess& process, const SocketAddress& listener,
                             const ListenerIndex& index, std::uint64_t depth) const;

 private:
  struct Unread {
    std::uint64_t total = 0;
    std::uint64_t unaccepted = 0;            // still in an accept queue
    std::map<int, std::uint64_t> by_holder;  // accepted ones by watched pid, shared addresses
  };

  Result<void> count(SockDiag& diag, const ListenerIndex& index,
                     std::span<const WatchedProcess> processes, const Depths& depths);
  bool is_watching_a_queue(const Depths& depths, Nanos now) const;

  const Clock& clock_;
  BudgetedJob job_;
  std::map<SocketAddress, std::uint64_t> syn_received_;
  std::map<SocketAddress, Unread> unread_;
  std::map<SocketAddress, DrainEstimate> drains_;
  Nanos counted_{0};
  std::vector<std::uint16_t> ports_;  // looked at in the last pass, ascending
};

}  // namespace loopscope
