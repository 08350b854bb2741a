#include "backlog/attribution.h"

#include <algorithm>
#include <map>
#include <utility>

namespace loopscope {
namespace {

using Access = ProcessSockets::Access;

bool descends_from(const WatchedProcess& process, int ancestor,
                   std::span<const WatchedProcess> processes) {
  int parent = process.owner.parent;
  // Bounded by the number of processes: parents read at different instants could form a ring.
  for (std::size_t step = 0; step < processes.size(); ++step) {
    if (parent == ancestor) return true;
    const auto next = std::find_if(processes.begin(), processes.end(),
                                   [&](const WatchedProcess& p) { return p.pid == parent; });
    if (next == processes.end()) return false;
    parent = next->owner.parent;
  }
  return false;
}

class Evidence {
 public:
  Evidence(std::span<const DiagSocket> listeners, std::span<const WatchedProcess> processes,
           const InodeSet& held_elsewhere)
      : listeners_(listeners), processes_(processes), held_(held_elsewhere) {
    for (const WatchedProcess& process : processes) {
      held_.insert(process.sockets.inodes.begin(), process.sockets.inodes.end());
    }
  }

  void attribute_unreadable(const WatchedProcess& process, Attribution& out) const {
    if (process.port_hint) {
      attribute_by_port(process, out);
    } else {
      attribute_by_uid(process, out);
    }
  }

 private:
  void attribute_by_port(const WatchedProcess& process, Attribution& out) const {
    const auto on_port = [&](const DiagSocket& socket) {
      return !held_.contains(socket.inode) && socket.local.port == *process.port_hint;
    };
    const bool any_of_uid =
        std::any_of(listeners_.begin(), listeners_.end(), [&](const DiagSocket& socket) {
          return on_port(socket) && socket.uid == process.owner.uid;
        });
    for (const DiagSocket& socket : listeners_) {
      if (!on_port(socket) || (any_of_uid && socket.uid != process.owner.uid)) continue;
      out.owners.push_back({socket.inode, process.pid});
    }
    note(process, false, "listeners taken by port " + std::to_string(*process.port_hint), out);
  }

  void attribute_by_uid(const WatchedProcess& process, Attribution& out) const {
    const std::string uid = std::to_string(process.owner.uid);
    bool has_rivals = false;
    for (const WatchedProcess& rival : processes_) {
      if (rival.pid == process.pid || rival.sockets.access != Access::kDenied ||
          rival.owner.uid != process.owner.uid || rival.port_hint) {
        continue;
      }
      if (descends_from(process, rival.pid, processes_)) {
        note(process, false,
             "its listeners, if any, are credited to its ancestor pid " + std::to_string(rival.pid),
             out);
        return;
      }
      has_rivals = has_rivals || !descends_from(rival, process.pid, processes_);
    }
    if (has_rivals) {
      note(process, true,
           "several watched processes of uid " + uid +
               " could own the listeners; select the target by --port to tell them apart",
           out);
      return;
    }
    for (const DiagSocket& socket : listeners_) {
      if (held_.contains(socket.inode) || socket.uid != process.owner.uid) continue;
      out.owners.push_back({socket.inode, process.pid});
    }
    note(process, false,
         "listeners taken by uid " + uid +
             ", which may include those of other processes of that uid; select the target by "
             "--port to narrow them down",
         out);
  }

  static void note(const WatchedProcess& process, bool failure, const std::string& text,
                   Attribution& out) {
    out.notes.push_back({process.pid, failure, process.sockets.reason + " (" + text + ")"});
  }

  std::span<const DiagSocket> listeners_;
  std::span<const WatchedProcess> processes_;
  InodeSet held_;
};

/// Leaves one owner of each socket credited.
void credit_once(std::vector<ListenerOwner>& owners, std::span<const WatchedProcess> processes) {
  const auto has_descendant = [&](const ListenerOwner& owner) {
    return std::any_of(processes.begin(), processes.end(), [&](const WatchedProcess& process) {
      return process.pid != owner.pid && descends_from(process, owner.pid, processes) &&
             std::any_of(owners.begin(), owners.end(), [&](const ListenerOwner& other) {
               return other.inode == owner.inode && other.pid == process.pid;
             });
    });
  };
  std::map<std::uint32_t, std::vector<ListenerOwner*>> by_inode;
  for (ListenerOwner& owner : owners) by_inode[owner.inode].push_back(&owner);
  for (auto& [inode, sharers] : by_inode) {
    if (sharers.size() == 1) continue;
    for (ListenerOwner* owner : sharers) owner->is_credited = false;
    const auto credited =
        std::min_element(sharers.begin(), sharers.end(), [&](const auto* a, const auto* b) {
          return std::pair(has_descendant(*a), a->pid) < std::pair(has_descendant(*b), b->pid);
        });
    (*credited)->is_credited = true;
  }
}

}  // namespace

Attribution attribute_listeners(std::span<const DiagSocket> listeners,
                                std::span<const WatchedProcess> processes,
                                const InodeSet& held_elsewhere) {
  Attribution out;
  const Evidence evidence(listeners, processes, held_elsewhere);
  for (const WatchedProcess& process : processes) {
    if (process.sockets.access == Access::kDenied) {
      evidence.attribute_unreadable(process, out);
      continue;
    }
    for (const DiagSocket& socket : listeners) {
      if (process.sockets.inodes.contains(socket.inode)) {
        out.owners.push_back({socket.inode, process.pid});
      }
    }
  }
  credit_once(out.owners, processes);
  return out;
}

}  // namespace loopscope
