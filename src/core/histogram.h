#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/snapshot.h"

namespace loopscope {

/// Bucket bounds, in seconds, of every duration histogram (the metric catalogue's).
std::span<const double> duration_bounds();

/// Counts of observed seconds in fixed buckets. Values are >= 0; a bucket includes its
/// upper bound. Never reset; nothing in it ever goes down. Not thread-safe.
class Histogram {
 public:
  /// `bounds`: upper bounds in seconds, ascending, without +Inf.
  explicit Histogram(std::span<const double> bounds = duration_bounds());

  void observe(double seconds, std::uint64_t n = 1);
  /// Adds n observations spread evenly over (0, max_seconds]: max * (i + shift) / n for
  /// i in [0, n), shift in (0, 1]. Costs the same for every n.
  void observe_uniform(double max_seconds, std::uint64_t n, double shift = 0.5);

  HistogramSnapshot snapshot() const;

 private:
  std::vector<double> bounds_;
  std::vector<std::uint64_t> counts_;
  double sum_ = 0;
  std::uint64_t count_ = 0;
};

}  // namespace loopscope
