#include "target/stop_detector.h"

#include <chrono>
#include <utility>

#include "target/cgroup_directory.h"
#include "target/own_stops.h"
#include "target/proc_stat.h"

namespace loopscope {
namespace {

constexpr Nanos kFollowInterval = std::chrono::seconds(1);

}  // namespace

bool StopDetector::is_stopped(ThreadCounters& counters, Nanos now) {
  const Nanos before = std::chrono::steady_clock::now().time_since_epoch();
  const auto state = counters.state();
  if (!state) return false;
  // What we stop ourselves is as it was.
  const bool unclear =
      is_stopped_state(*state) && OwnStops::instance().any_since(counters.tid(), before);
  if (!unclear) stopped_ = is_kept(*state, counters, now);
  return stopped_;
}

bool StopDetector::is_kept(char state, const ThreadCounters& counters, Nanos now) {
  if (is_stopped_state(state)) return true;
  if (state != 'S' && state != 'D') return false;
  follow_cgroup(counters.pid(), now);
  return freezer_ && freezer_->is_frozen();
}

void StopDetector::follow_cgroup(int pid, Nanos now) {
  if (followed_at_ && now - *followed_at_ < kFollowInterval) return;
  followed_at_ = now;
  auto membership = read_cgroup_membership(pid);
  if (!membership || *membership == membership_) return;
  // Only now, for the list of mounts can be long.
  membership_ = std::move(*membership);
  freezer_.reset();
  if (auto freezer = CgroupFreezer::open(pid)) freezer_ = std::move(*freezer);
}

}  // namespace loopscope
