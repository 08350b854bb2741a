#pragma once

#include <gtest/gtest.h>

#include "core/snapshot.h"

namespace loopscope {

inline void expect_not_below(const HistogramSnapshot& before, const HistogramSnapshot& after) {
  ASSERT_EQ(before.counts.size(), after.counts.size());
  std::uint64_t count = 0;
  for (std::size_t i = 0; i < before.counts.size(); ++i) {
    ASSERT_GE(after.counts[i], before.counts[i]) << "bucket " << i;
    count += after.counts[i];
  }
  ASSERT_EQ(after.count, count);
  ASSERT_GE(after.sum, before.sum);
}

/// Everything in a loop's snapshot that is a counter has kept or raised its value.
inline void expect_not_below(const LoopStatsSnapshot& before, const LoopStatsSnapshot& after) {
  ASSERT_NO_FATAL_FAILURE(expect_not_below(before.lag, after.lag));
  ASSERT_NO_FATAL_FAILURE(expect_not_below(before.stall_duration, after.stall_duration));
  if (before.iteration_duration) {
    ASSERT_TRUE(after.iteration_duration);
    ASSERT_NO_FATAL_FAILURE(
        expect_not_below(*before.iteration_duration, *after.iteration_duration));
  }
  if (before.iterations) {
    ASSERT_TRUE(after.iterations);
    ASSERT_GE(*after.iterations, *before.iterations);
  }
  for (std::size_t phase = 0; phase < kPhaseCount; ++phase) {
    ASSERT_GE(after.phase_time[phase], before.phase_time[phase]) << kPhaseNames[phase];
    for (std::size_t cause = 0; cause < kCauseCount; ++cause) {
      const StallTotals& old_totals = before.stalls[phase][cause];
      const StallTotals& new_totals = after.stalls[phase][cause];
      ASSERT_GE(new_totals.count, old_totals.count) << kPhaseNames[phase] << kCauseNames[cause];
      ASSERT_GE(new_totals.time, old_totals.time) << kPhaseNames[phase] << kCauseNames[cause];
    }
  }
  ASSERT_GE(after.active_time, before.active_time);
  ASSERT_GE(after.idle_time, before.idle_time);
}

inline Nanos total_phase_time(const LoopStatsSnapshot& snapshot) {
  Nanos sum{0};
  for (const Nanos time : snapshot.phase_time) sum += time;
  return sum;
}

}  // namespace loopscope
