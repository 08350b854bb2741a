#include "core/histogram.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace loopscope {
namespace {

constexpr std::array kDurationBounds = {.001, .0025, .005, .01, .025, .05, .1,
                                        .25,  .5,    1.,   2.5, 5.,   10.};

/// NaN and negative values are not durations; they count as 0.
double sane(double seconds) { return seconds > 0 ? seconds : 0; }

}  // namespace

std::span<const double> duration_bounds() { return kDurationBounds; }

Histogram::Histogram(std::span<const double> bounds)
    : bounds_(bounds.begin(), bounds.end()), counts_(bounds.size() + 1) {}

void Histogram::observe(double seconds, std::uint64_t n) {
  const double value = sane(seconds);
  const auto bucket = std::lower_bound(bounds_.begin(), bounds_.end(), value) - bounds_.begin();
  counts_[static_cast<std::size_t>(bucket)] += n;
  sum_ += value * static_cast<double>(n);
  count_ += n;
}

void Histogram::observe_uniform(double max_seconds, std::uint64_t n, double shift) {
  if (n == 0) return;
  const double max = sane(max_seconds);
  const double total = static_cast<double>(n);
  // The number of i with max * (i + shift) / n <= bound.
  const auto at_or_below = [&](double bound) -> std::uint64_t {
    const double below = std::floor(bound / max * total - shift) + 1;
    if (!(below < total)) return n;  // also when max is 0
    return below > 0 ? static_cast<std::uint64_t>(below) : 0;
  };
  std::uint64_t placed = 0;
  for (std::size_t i = 0; i < bounds_.size() && placed < n; ++i) {
    const std::uint64_t up_to_here = std::max(at_or_below(bounds_[i]), placed);
    counts_[i] += up_to_here - placed;
    placed = up_to_here;
  }
  counts_.back() += n - placed;
  sum_ += max * ((total - 1) / 2 + shift);
  count_ += n;
}

HistogramSnapshot Histogram::snapshot() const { return {bounds_, counts_, sum_, count_}; }

}  // namespace loopscope
