#include "backlog/connection_counts.h"

#include <netinet/tcp.h>

#include <algorithm>
#include <set>
#include <utility>

namespace loopscope {
namespace {

using Access = ProcessSockets::Access;

// A bound on memory beside very many connections; those beyond it are counted as unread but
// not traced to a process.
constexpr std::size_t kMaxTracedConnections = 65536;
// Between the looks at a queue that is not empty; long enough to see some accepted.
constexpr Nanos kQueueInterval = std::chrono::milliseconds(500);

bool has_port(const std::vector<std::uint16_t>& ports, std::uint16_t port) {
  return std::binary_search(ports.begin(), ports.end(), port);
}

bool is_shared(const ListenerIndex& index, const SocketAddress& listener,
               std::span<const WatchedProcess> processes) {
  return std::none_of(processes.begin(), processes.end(), [&](const WatchedProcess& process) {
    return index.share_of(process.pid, listener).all_sockets;
  });
}

}  // namespace

ConnectionCounts::ConnectionCounts(const BacklogOptions& options, const Clock& clock)
    : clock_(clock), job_(options.connections_interval) {}

Result<void> ConnectionCounts::update(SockDiag& diag, const ListenerIndex& index,
                                      std::span<const WatchedProcess> processes,
                                      const Depths& depths, bool force) {
  const std::vector<std::uint16_t>& ports = index.owned_ports();
  const bool new_port = !std::includes(ports_.begin(), ports_.end(), ports.begin(), ports.end());
  const Nanos begin = clock_.now();
  if (!force && !job_.due(begin, new_port || is_watching_a_queue(depths, begin))) return {};
  counted_ = begin;
  Result<void> counted = count(diag, index, processes, depths);
  job_.ran(begin, clock_.now());
  return counted;
}

bool ConnectionCounts::is_watching_a_queue(const Depths& depths, Nanos now) const {
  return now - counted_ >= kQueueInterval &&
         std::any_of(depths.begin(), depths.end(), [](const auto& one) { return one.second > 0; });
}

Result<void> ConnectionCounts::count(SockDiag& diag, const ListenerIndex& index,
                                     std::span<const WatchedProcess> processes,
                                     const Depths& depths) {
  syn_received_.clear();
  unread_.clear();
  ports_.clear();
  std::map<SocketAddress, bool> shared;
  std::map<std::uint32_t, SocketAddress> to_trace;
  std::map<SocketAddress, std::set<DrainEstimate::Cookie>> waiting;
  std::size_t waiting_total = 0;
  InodeSet wanted;
  const auto trace_if_shared = [&](std::uint32_t inode, const SocketAddress& listener) {
    auto known = shared.find(listener);
    if (known == shared.end()) {
      known = shared.emplace(listener, is_shared(index, listener, processes)).first;
    }
    if (!known->second || wanted.size() == kMaxTracedConnections) return;
    to_trace.emplace(inode, listener);
    wanted.insert(inode);
  };
  Result<void> dumped = diag.visit_connections(index.owned_ports(), [&](const DiagSocket& socket) {
    const auto listener = index.listener_for(socket.local);
    if (!listener) return;
    if (socket.state == TCP_SYN_RECV) {
      ++syn_received_[*listener];
      return;
    }
    if (socket.inode == 0 && ++waiting_total <= kMaxTracedConnections) {
      waiting[*listener].insert(socket.cookie);
    }
    if (socket.state != TCP_ESTABLISHED || socket.rqueue == 0) return;
    Unread& unread = unread_[*listener];
    ++unread.total;
    if (socket.inode == 0) {
      ++unread.unaccepted;
    } else {
      trace_if_shared(socket.inode, *listener);
    }
  });
  if (!dumped) return dumped;
  if (waiting_total > kMaxTracedConnections) waiting.clear();
  std::erase_if(drains_, [&](const auto& one) { return !depths.contains(one.first); });
  for (const auto& [listener, depth] : depths) {
    drains_[listener].observe(clock_.now(), depth, std::move(waiting[listener]));
  }
  ports_ = index.owned_ports();
  if (wanted.empty()) return {};
  for (const WatchedProcess& process : processes) {
    for (const std::uint32_t inode : find_process_sockets(process.pid, wanted).inodes) {
      ++unread_[to_trace.at(inode)].by_holder[process.pid];
    }
  }
  return {};
}

std::optional<Nanos> ConnectionCounts::drain(const WatchedProcess& process,
                                             const SocketAddress& listener,
                                             const ListenerIndex& index,
                                             std::uint64_t depth) const {
  if (!index.share_of(process.pid, listener).all_sockets) return std::nullopt;
  const auto found = drains_.find(listener);
  if (found == drains_.end()) return std::nullopt;
  return found->second.drain(clock_.now(), depth);
}

std::optional<std::uint64_t> ConnectionCounts::syn_received(const WatchedProcess& process,
                                                            const SocketAddress& listener,
                                                            const ListenerIndex& index) const {
  if (!has_port(ports_, listener.port)) return std::nullopt;
  if (!index.share_of(process.pid, listener).all_sockets) return std::nullopt;
  const auto found = syn_received_.find(listener);
  return found == syn_received_.end() ? 0 : found->second;
}

std::optional<std::uint64_t> ConnectionCounts::unread(const WatchedProcess& process,
                                                      const SocketAddress& listener,
                                                      const ListenerIndex& index,
                                                      std::uint64_t depth) const {
  if (!has_port(ports_, listener.port)) return std::nullopt;
  const ListenerIndex::Share share = index.share_of(process.pid, listener);
  if (!share.all_sockets && process.sockets.access != Access::kReadable) return std::nullopt;
  const auto found = unread_.find(listener);
  if (found == unread_.end()) return 0;
  const Unread& unread = found->second;
  if (share.all_sockets) return unread.total;
  std::uint64_t accepted = 0;
  for (const int holder : share.holders) {
    const auto held = unread.by_holder.find(holder);
    if (held != unread.by_holder.end()) accepted += held->second;
  }
  return accepted + std::min(unread.unaccepted, depth);
}

}  // namespace loopscope
