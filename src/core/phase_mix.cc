#include "core/phase_mix.h"

#include <algorithm>

namespace loopscope {
namespace {

/// Long enough that a period's own looks hardly bend the split of its own time, short
/// enough to follow a change of load within a second or two.
constexpr double kMemory = 128;

}  // namespace

void PhaseMix::add(Phase phase, Nanos weight) {
  weights_[index_of(phase)] += static_cast<double>(weight.count());
}

void PhaseMix::age() {
  for (double& weight : weights_) weight *= 1 - 1 / kMemory;
}

PhaseTimes PhaseMix::split(Nanos total) const {
  PhaseTimes result{};
  double sum = 0;
  for (const double weight : weights_) sum += std::max(weight, 0.0);
  if (!(sum > 0)) {
    result[index_of(Phase::kPoll)] = total;
    return result;
  }
  Nanos left = total;
  std::size_t largest = 0;
  for (std::size_t i = 0; i < kPhaseCount; ++i) {
    if (weights_[i] > weights_[largest]) largest = i;
    const double share = static_cast<double>(total.count()) * (std::max(weights_[i], 0.0) / sum);
    result[i] = std::min(Nanos(static_cast<std::int64_t>(share)), left);
    left -= result[i];
  }
  result[largest] += left;  // what rounding left over
  return result;
}

}  // namespace loopscope
