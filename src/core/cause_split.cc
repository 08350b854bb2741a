#include "core/cause_split.h"

#include <algorithm>

#include "core/stretch.h"

namespace loopscope {
namespace {

/// CPU time of a collector that looks met for `collecting`, while the thread had `cpu` and
/// waited for a CPU for `starved`: the collector got its share of both.
Nanos collecting_cpu(Nanos collecting, Nanos cpu, Nanos starved) {
  if (cpu <= Nanos(0)) return Nanos(0);
  const double share =
      static_cast<double>(collecting.count()) / static_cast<double>((cpu + starved).count());
  return Nanos(
      static_cast<std::int64_t>(static_cast<double>(cpu.count()) * std::clamp(share, 0.0, 1.0)));
}

}  // namespace

CauseTimes split_causes(Nanos duration, const std::optional<SchedCounters>& before,
                        const std::optional<SchedCounters>& after, const StateTimes& states,
                        bool exact) {
  CauseTimes causes{};
  Nanos left = duration;
  const auto take = [&](Cause cause, Nanos time) {
    const Nanos taken = std::clamp(time, Nanos(0), left);
    causes[index_of(cause)] += taken;
    left -= taken;
  };
  if (!before || !after || after->run < before->run ||
      after->runqueue_wait < before->runqueue_wait) {
    take(Cause::kStopped, states.stopped);
    take(Cause::kUnknown, left);
    return causes;
  }
  take(Cause::kCpu, after->run - before->run);
  take(Cause::kStarved, after->runqueue_wait - before->runqueue_wait);
  take(Cause::kStopped, states.stopped);
  // While the thread runs, its accounting may be a tick behind.
  if (!exact && left <= Stretch::kTick) {
    const bool ran = causes[index_of(Cause::kCpu)] >= causes[index_of(Cause::kStarved)];
    take(ran ? Cause::kCpu : Cause::kStarved, left);
  }
  take(Cause::kBlocked, left);
  const Nanos gc = collecting_cpu(states.collecting, causes[index_of(Cause::kCpu)],
                                  causes[index_of(Cause::kStarved)]);
  causes[index_of(Cause::kCpu)] -= gc;
  causes[index_of(Cause::kGc)] += gc;
  return causes;
}

}  // namespace loopscope
