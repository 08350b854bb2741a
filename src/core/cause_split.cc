#include "core/cause_split.h"

#include <algorithm>
#include <array>

#include "core/stretch.h"

namespace loopscope {
namespace {

/// Takes the time of collections out of what the thread did meanwhile. Which of that fell
/// into them is not known, so each part gives its share.
void take_collections(Nanos collecting, CauseTimes& causes) {
  constexpr std::array kParts = {Cause::kCpu, Cause::kStarved, Cause::kBlocked};
  Nanos total{0};
  for (const Cause part : kParts) total += causes[index_of(part)];
  collecting = std::clamp(collecting, Nanos(0), total);
  if (collecting == Nanos(0)) return;
  const double share = static_cast<double>(collecting.count()) / static_cast<double>(total.count());
  for (const Cause part : kParts) {
    Nanos& time = causes[index_of(part)];
    const auto taken =
        std::min(time, Nanos(static_cast<std::int64_t>(static_cast<double>(time.count()) * share)));
    time -= taken;
    causes[index_of(Cause::kGc)] += taken;
  }
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
  take_collections(states.collecting, causes);
  return causes;
}

}  // namespace loopscope
