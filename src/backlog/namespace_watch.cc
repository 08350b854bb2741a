#include "backlog/namespace_watch.h"

#include <linux/capability.h>
#include <unistd.h>

#include <algorithm>
#include <set>
#include <utility>

#include "target/access_refusal.h"

namespace loopscope {
namespace {

using Access = ProcessSockets::Access;

// One look-up costs about a fifth of a dump.
constexpr std::size_t kMaxRefreshed = 4;
constexpr Nanos kRetryAfter = std::chrono::seconds(1);

// Sockets held by unwatched processes of an unreadable target's uid. Processes of another
// uid than ours are as unreadable as the target, so there is nothing to find there.
InodeSet held_by_unwatched(const std::vector<WatchedProcess>& processes, const InodeSet& wanted) {
  std::set<int> watched;
  bool needed = false;
  for (const WatchedProcess& process : processes) {
    watched.insert(process.pid);
    needed =
        needed || (process.sockets.access == Access::kDenied && process.owner.uid == ::geteuid());
  }
  InodeSet held;
  if (!needed) return held;
  for (const int pid : processes_of_uid(::geteuid())) {
    if (!watched.contains(pid)) held.merge(find_process_sockets(pid, wanted).inodes);
  }
  return held;
}

}  // namespace

NamespaceWatch::NamespaceWatch(const BacklogOptions& options, const Clock& clock)
    : clock_(clock), connections_(options, clock), counters_job_(options.counters_interval) {}

void NamespaceWatch::set_processes(std::vector<WatchedProcess> processes) {
  for (WatchedProcess& process : processes) {
    const auto known =
        std::find_if(processes_.begin(), processes_.end(), [&](const WatchedProcess& old) {
          return old.pid == process.pid && old.start_time == process.start_time;
        });
    if (known == processes_.end()) continue;
    process.sockets = std::move(known->sockets);
    process.is_scanned = known->is_scanned;
  }
  processes_ = std::move(processes);
}

bool NamespaceWatch::has_new_processes() const {
  return std::any_of(processes_.begin(), processes_.end(),
                     [](const WatchedProcess& process) { return !process.is_scanned; });
}

void NamespaceWatch::fail(const std::string& message) {
  error_ = message;
  is_ruled_out_ = false;
  diag_.reset();
  listeners_.clear();
  can_refresh_ = false;
  retry_at_ = clock_.now() + kRetryAfter;
}

Result<void> NamespaceWatch::open() {
  Result<void> outcome = Error{"no process left in this network namespace"};
  for (const WatchedProcess& process : processes_) {
    Result<SockDiag> opened = SockDiag::open_for_pid(process.pid);
    if (opened) {
      diag_.emplace(std::move(*opened));
      return {};
    }
    outcome = opened.error();
  }
  return outcome;
}

// Whether it is another one than ours, and the right to enter it was ruled out for us.
bool NamespaceWatch::is_closed() const {
  if (processes_.empty() || may_have_capability(CAP_SYS_ADMIN)) return false;
  const Result<NetnsId> theirs = netns_of(processes_.front().pid);
  const Result<NetnsId> ours = own_netns();
  return theirs && ours && *theirs != *ours;
}

// False: take a full look instead.
bool NamespaceWatch::refresh_owned() {
  for (const std::size_t place : owned_) {
    const Result<bool> found = diag_->refresh(listeners_[place]);
    if (found && *found) continue;
    if (!found) diag_.reset();  // a late answer must not meet the next request
    return false;
  }
  return true;
}

void NamespaceWatch::plan_refresh() {
  owned_.clear();
  can_refresh_ = true;
  for (std::size_t place = 0; place < listeners_.size(); ++place) {
    if (index_.owners_of(listeners_[place].inode).empty()) continue;
    owned_.push_back(place);
    can_refresh_ = can_refresh_ && !index_.has_siblings(listeners_[place].local);
  }
  can_refresh_ = can_refresh_ && owned_.size() <= kMaxRefreshed;
}

void NamespaceWatch::sample_listeners(bool full) {
  if (!full && can_refresh_ && refresh_owned()) return;
  can_refresh_ = false;
  if (!diag_) {
    if (!error_.empty() && clock_.now() < retry_at_) return;
    const Result<void> opened = open();
    if (!opened) {
      fail(opened.error().message);
      is_ruled_out_ = is_closed();
      return;
    }
  }
  Result<std::vector<DiagSocket>> dumped = diag_->listeners();
  if (!dumped) return fail(dumped.error().message);
  error_.clear();
  listeners_ = std::move(*dumped);
  current_inodes_.clear();
  for (const DiagSocket& socket : listeners_) current_inodes_.push_back(socket.inode);
  std::sort(current_inodes_.begin(), current_inodes_.end());
}

void NamespaceWatch::find_owners(bool full) {
  const InodeSet wanted(current_inodes_.begin(), current_inodes_.end());
  for (WatchedProcess& process : processes_) {
    if (!full && process.is_scanned) continue;
    process.sockets = find_process_sockets(process.pid, wanted);
    process.is_scanned = true;
  }
  if (full) {
    known_inodes_ = current_inodes_;
    held_elsewhere_ = held_by_unwatched(processes_, wanted);
  }
  Attribution attribution = attribute_listeners(listeners_, processes_, held_elsewhere_);
  index_ = ListenerIndex(listeners_, attribution.owners);
  notes_ = std::move(attribution.notes);
  plan_refresh();
}

void NamespaceWatch::count_connections(bool force) {
  if (!diag_) return;
  ConnectionCounts::Depths depths;
  for (const DiagSocket& socket : listeners_) {
    if (!index_.owners_of(socket.inode).empty()) depths[socket.local] += socket.rqueue;
  }
  const Result<void> counted = connections_.update(*diag_, index_, processes_, depths, force);
  if (!counted) fail(counted.error().message);
}

void NamespaceWatch::read_counters(bool force) {
  const Nanos begin = clock_.now();
  if (!force && !counters_job_.due(begin, false)) return;
  counters_error_ = "no process left in this network namespace";
  for (const WatchedProcess& process : processes_) {
    const Result<ListenCounters> read = read_listen_counters(process.pid);
    if (read) {
      counters_ = *read;
      counters_error_.clear();
      break;
    }
    counters_error_ = read.error().message;
  }
  counters_job_.ran(begin, clock_.now());
}

}  // namespace loopscope
