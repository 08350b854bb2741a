#pragma once

#include "core/snapshot.h"

namespace loopscope {

/// Adds what predecessors of a loop came to up to `before` to the counters and histograms of
/// `stats`; what is said about the present stays. Of functions that only predecessors had, so
/// many are named that at most kNamedCulprits are; the rest is in "other".
inline constexpr std::size_t kNamedCulprits = 50;
void add_totals(LoopStatsSnapshot& stats, const LoopStatsSnapshot& before);

}  // namespace loopscope
