#include "backlog/attribution.h"

#include <algorithm>

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
  return out;
}

}  // namespace loopscope
