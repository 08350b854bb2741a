#include "culprit/starvation.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <utility>

#include "target/cgroup_directory.h"

namespace loopscope {
namespace {

/// Below this part of the wait one reason is not worth a word beside the other. The counters
/// are read at other moments than the thread's, so a period's wait can be on either side.
constexpr double kWorthAWord = 0.2;

double ms(Nanos time) { return std::chrono::duration<double, std::milli>(time).count(); }

}  // namespace

std::string starvation_text(Nanos starved, Nanos throttled, double limit_cpus) {
  throttled = std::clamp(throttled, Nanos(0), starved);
  const double share = ms(throttled) / std::max(ms(starved), 1e-6);
  if (share < kWorthAWord) return "CPUs are crowded";
  std::array<char, 128> text{};
  if (limit_cpus > 0) {
    std::snprintf(text.data(), text.size(), "CPU quota (throttled %.0f ms, limit %.3g CPUs)",
                  ms(throttled), limit_cpus);
  } else {
    // Set on a group above those that are visible, or gone meanwhile.
    std::snprintf(text.data(), text.size(), "CPU quota (throttled %.0f ms)", ms(throttled));
  }
  std::string out = text.data();
  if (share <= 1 - kWorthAWord) out += " and crowded CPUs";
  return out;
}

void StarvationReader::begin(Nanos starved) {
  starved_before_ = starved;
  auto membership = read_cgroup_membership(pid_);
  if (!membership || *membership != membership_) {
    // Only now, for the list of mounts can be long.
    group_.reset();
    problem_ = membership ? "" : membership.error().message;
    if (membership) {
      membership_ = std::move(*membership);
      auto group = CgroupCpu::open(pid_);
      if (group) {
        group_ = std::move(*group);
      } else {
        problem_ = group.error().message;
      }
    }
  }
  before_ = read();
  // The group may be made anew under its old name.
  if (!*before_) membership_.clear();
}

Result<ThrottleCounters> StarvationReader::read() {
  if (!group_) return Error{problem_};
  return group_->read();
}

std::string StarvationReader::explain(Nanos starved) {
  if (!before_ || starved <= starved_before_) return {};
  const auto after = read();
  if (!*before_ || !after) {
    return "CPU quota or crowded CPUs (" + (after ? *before_ : after).error().message + ")";
  }
  const Nanos throttled = after->throttled - (*before_)->throttled;
  const double limit = std::max(after->limit_cpus, (*before_)->limit_cpus);
  return starvation_text(starved - starved_before_, throttled, limit);
}

}  // namespace loopscope
