#include "backlog/listener_index.h"

#include <algorithm>

namespace loopscope {

ListenerIndex::ListenerIndex(std::span<const DiagSocket> listeners,
                             std::span<const ListenerOwner> owners) {
  for (const ListenerOwner& owner : owners) {
    std::vector<int>& pids = owners_[owner.inode];
    pids.insert(owner.is_credited ? pids.begin() : pids.end(), owner.pid);
  }
  for (const DiagSocket& socket : listeners) {
    Group& group = groups_[socket.local];
    ++group.sockets;
    const std::vector<int>& pids = owners_of(socket.inode);
    if (pids.empty()) continue;
    ++group.credited[pids.front()];
    group.holders[pids.front()].insert(pids.begin(), pids.end());
    owned_ports_.push_back(socket.local.port);
  }
  std::sort(owned_ports_.begin(), owned_ports_.end());
  owned_ports_.erase(std::unique(owned_ports_.begin(), owned_ports_.end()), owned_ports_.end());
}

const std::vector<int>& ListenerIndex::owners_of(std::uint32_t inode) const {
  static const std::vector<int> nobody;
  const auto found = owners_.find(inode);
  return found == owners_.end() ? nobody : found->second;
}

bool ListenerIndex::has_siblings(const SocketAddress& listener) const {
  const auto group = groups_.find(listener);
  return group != groups_.end() && group->second.sockets > 1;
}

std::optional<SocketAddress> ListenerIndex::listener_for(const SocketAddress& local) const {
  for (const SocketAddress& candidate : listening_candidates(local)) {
    if (groups_.contains(candidate)) return candidate;
  }
  return std::nullopt;
}

ListenerIndex::Share ListenerIndex::share_of(int pid, const SocketAddress& listener) const {
  const auto group = groups_.find(listener);
  if (group == groups_.end()) return {};
  const auto credited = group->second.credited.find(pid);
  if (credited == group->second.credited.end()) return {};
  const std::set<int>& holders = group->second.holders.at(pid);
  return {credited->second == group->second.sockets, {holders.begin(), holders.end()}};
}

}  // namespace loopscope
