#include "target/stop_detector.h"

#include <utility>

#include "target/cgroup_directory.h"
#include "target/proc_stat.h"

namespace loopscope {
namespace {

constexpr Nanos kFollowInterval = std::chrono::seconds(1);

}  // namespace

bool StopDetector::is_stopped(ThreadCounters& counters, Nanos now) {
  const auto state = counters.state();
  if (!state) return false;
  if (is_stopped_state(*state)) return true;
  if (*state != 'S' && *state != 'D') return false;
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
