#include "core/loop_totals.h"

#include <algorithm>
#include <utility>

namespace loopscope {
namespace {

/// One that has other bounds, or none at all, adds nothing: bounds are the program's own.
void add_histogram(HistogramSnapshot& out, const HistogramSnapshot& before) {
  if (before.counts.empty()) return;
  if (out.counts.empty()) {
    out = before;
    return;
  }
  if (out.bounds != before.bounds || out.counts.size() != before.counts.size()) return;
  for (std::size_t i = 0; i < out.counts.size(); ++i) out.counts[i] += before.counts[i];
  out.sum += before.sum;
  out.count += before.count;
}

template <typename Value>
void add_optional(std::optional<Value>& out, const std::optional<Value>& before) {
  if (before) out = out.value_or(Value{}) + *before;
}

/// Everything that is not a time tells culprits apart.
bool is_same(CulpritTotals a, CulpritTotals b) {
  a.time = b.time = Nanos(0);
  return a == b;
}

bool is_other(const CulpritTotals& culprit) {
  return is_same(
      culprit,
      CulpritTotals{.function = "other", .file = {}, .line = 0, .package = {}, .time = {}});
}

void add_culprits(std::vector<CulpritTotals>& out, std::vector<CulpritTotals> before) {
  Nanos other{0};
  // The heaviest have the places that are free.
  std::ranges::stable_sort(before, std::ranges::greater(), &CulpritTotals::time);
  for (CulpritTotals& culprit : before) {
    const auto known = std::ranges::find_if(
        out, [&culprit](const CulpritTotals& it) { return is_same(it, culprit); });
    if (known != out.end()) {
      known->time += culprit.time;
    } else if (is_other(culprit) || out.size() >= kNamedCulprits) {
      other += culprit.time;
    } else {
      out.push_back(std::move(culprit));
    }
  }
  if (other == Nanos(0)) return;
  const auto rest = std::ranges::find_if(out, is_other);
  if (rest != out.end()) {
    rest->time += other;
  } else {
    out.push_back({.function = "other", .file = {}, .line = 0, .package = {}, .time = other});
  }
}

}  // namespace

void add_totals(LoopStatsSnapshot& stats, const LoopStatsSnapshot& before) {
  add_histogram(stats.lag, before.lag);
  add_histogram(stats.stall_duration, before.stall_duration);
  if (before.iteration_duration) {
    if (!stats.iteration_duration) stats.iteration_duration.emplace();
    add_histogram(*stats.iteration_duration, *before.iteration_duration);
  }
  add_optional(stats.iterations, before.iterations);
  for (std::size_t p = 0; p < kPhaseCount; ++p) {
    stats.phase_time[p] += before.phase_time[p];
    for (std::size_t c = 0; c < kCauseCount; ++c) {
      stats.stalls[p][c].count += before.stalls[p][c].count;
      stats.stalls[p][c].time += before.stalls[p][c].time;
    }
  }
  stats.active_time += before.active_time;
  stats.idle_time += before.idle_time;
  add_culprits(stats.culprits, before.culprits);
}

}  // namespace loopscope
