#pragma once

#include <algorithm>
#include <array>

#include "base/clock.h"
#include "loopscope/phase.h"

namespace loopscope {

using PhaseTimes = std::array<Nanos, kPhaseCount>;
using CauseTimes = std::array<Nanos, kCauseCount>;

constexpr std::size_t index_of(Phase phase) { return static_cast<std::size_t>(phase); }
constexpr std::size_t index_of(Cause cause) { return static_cast<std::size_t>(cause); }

/// One busy period, ended or as far as it has come.
struct BusyPeriod {
  Nanos start{0};
  Nanos duration{0};
  PhaseTimes phases{};  ///< where it was spent; need not sum to `duration`
  CauseTimes causes{};  ///< sums to `duration`

  Nanos end() const { return start + duration; }
  Phase main_phase() const {
    const auto* largest = std::max_element(phases.begin(), phases.end());
    return *largest > Nanos(0) ? static_cast<Phase>(largest - phases.begin()) : Phase::kUnknown;
  }
  Cause main_cause() const {
    const auto* largest = std::max_element(causes.begin(), causes.end());
    return *largest > Nanos(0) ? static_cast<Cause>(largest - causes.begin()) : Cause::kUnknown;
  }
};

}  // namespace loopscope
