#include "sources/sampling_policy.h"

#include <algorithm>
#include <utility>

namespace loopscope {
namespace {

constexpr int kLooksPerThreshold = 5;
constexpr int kQuietLooksUntilIdle = 3;
constexpr Nanos kLongBusy = std::chrono::milliseconds(3);
// A busy period's end is known to half a look; 1/64 of its length keeps that under 1 %.
constexpr int kBusyFraction = 64;

}  // namespace

SamplingPolicy::SamplingPolicy(Nanos fastest, Nanos threshold)
    : fastest_(fastest),
      turning_(std::max(kTurning, fastest)),
      idle_(std::max(std::min(kIdle, threshold / kLooksPerThreshold), fastest)) {
  turning_ = std::min(turning_, idle_);
}

Nanos SamplingPolicy::next_interval(const LoopSample& sample) {
  const bool turned = sample.iteration != last_.iteration;
  const LoopSample previous = std::exchange(last_, sample);
  if (sample.phase == Phase::kPollWait) {
    quiet_looks_ = turned || previous.phase != Phase::kPollWait ? 0 : quiet_looks_ + 1;
    return quiet_looks_ >= kQuietLooksUntilIdle ? idle_ : turning_;
  }
  quiet_looks_ = 0;
  if (turned || previous.phase == Phase::kPollWait) busy_since_ = sample.at;
  const Nanos busy = sample.at - busy_since_;
  if (busy < kLongBusy) return turning_;
  return std::clamp(busy / kBusyFraction, fastest_, turning_);
}

}  // namespace loopscope
