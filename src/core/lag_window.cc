#include "core/lag_window.h"

#include <algorithm>
#include <cmath>

#include "base/duration.h"

namespace loopscope {
namespace {

constexpr Nanos kSlotWidth = std::chrono::seconds(5);
constexpr Nanos kLagWindow = std::chrono::seconds(60);
constexpr double kShortestSorted = 1e-3;  ///< seconds; shorter periods are one bucket

std::int64_t epoch_of(Nanos at) { return std::max(at, Nanos(0)) / kSlotWidth; }

}  // namespace

std::size_t LagWindow::bucket_of(double length_s) {
  if (length_s < kShortestSorted) return 0;
  const double half_octaves = 2 * std::log2(length_s / kShortestSorted);
  return 1 + static_cast<std::size_t>(std::min(half_octaves, double{kBuckets - 2}));
}

/// Null: that slot has been taken by a newer time.
LagWindow::Slot* LagWindow::slot_of(std::int64_t epoch) {
  Slot& slot = slots_[static_cast<std::size_t>(epoch) % kSlots];
  if (slot.epoch > epoch) return nullptr;
  if (slot.epoch < epoch) {
    slot = Slot();
    slot.epoch = epoch;
  }
  return &slot;
}

void LagWindow::add_waiting(Nanos end, Nanos time) {
  if (end <= Nanos(0) || time <= Nanos(0)) return;
  // An exact source may tell of an hour of waiting at once.
  const Nanos begin = end - std::min({time, end, kLagWindow});
  for (std::int64_t epoch = epoch_of(begin); epoch <= epoch_of(end); ++epoch) {
    const Nanos from = std::max(begin, epoch * kSlotWidth);
    const Nanos to = std::min(end, (epoch + 1) * kSlotWidth);
    if (Slot* slot = slot_of(epoch); slot != nullptr) slot->waiting_s += in_seconds(to - from);
  }
}

void LagWindow::add_busy(Nanos end, double length_s, double n) {
  if (!(length_s > 0) || !(n > 0)) return;
  Slot* slot = slot_of(epoch_of(end));
  if (slot == nullptr) return;
  const double total = length_s * n;
  slot->squares_s2 += total * length_s;
  slot->cubes_s3 += total * length_s * length_s;
  Periods& periods = slot->periods[bucket_of(length_s)];
  periods.count += static_cast<float>(n);
  periods.total_s += static_cast<float>(total);
}

LagWindow::Sums LagWindow::sums(Nanos now) const {
  Sums sums;
  const std::int64_t newest = epoch_of(now);
  for (const Slot& slot : slots_) {
    if (slot.epoch < 0 || slot.epoch <= newest - static_cast<std::int64_t>(kSlots)) continue;
    sums.waiting_s += slot.waiting_s;
    sums.squares_s2 += slot.squares_s2;
    sums.cubes_s3 += slot.cubes_s3;
    for (std::size_t i = 0; i < kBuckets; ++i) {
      sums.counts[i] += slot.periods[i].count;
      sums.totals_s[i] += slot.periods[i].total_s;
      sums.busy_s += slot.periods[i].total_s;
    }
  }
  return sums;
}

/// Time with a lag above x is the sum of (B - x) over the periods longer than x: with the
/// periods taken from the longest down, a straight line from one length to the next.
Nanos LagWindow::quantile(const Sums& sums, double q) {
  const double time_above = (1 - q) * (sums.waiting_s + sums.busy_s);
  double count = 0;
  double total = 0;
  for (std::size_t i = kBuckets; i-- > 0;) {
    if (!(sums.counts[i] > 0)) continue;
    if (count > 0 && (total - time_above) / count >= sums.totals_s[i] / sums.counts[i]) break;
    count += sums.counts[i];
    total += sums.totals_s[i];
  }
  return count > 0 ? from_seconds(std::max((total - time_above) / count, 0.0)) : Nanos(0);
}

std::optional<LagSummary> LagWindow::summary(Nanos now, Nanos open) const {
  Sums all = sums(now);
  if (open > Nanos(0)) {
    const double length = in_seconds(open);
    all.busy_s += length;
    all.squares_s2 += length * length;
    all.cubes_s3 += length * length * length;
    all.counts[bucket_of(length)] += 1;
    all.totals_s[bucket_of(length)] += length;
  }
  const double time = all.waiting_s + all.busy_s;
  if (!(time > 0)) return std::nullopt;

  // The mean of the lags in (0, B] is B / 2, that of their squares B^2 / 3.
  const double mean = all.squares_s2 / 2 / time;
  const double variance = all.cubes_s3 / 3 / time - mean * mean;
  LagSummary summary;
  summary.mean = from_seconds(mean);
  summary.stddev = from_seconds(std::sqrt(std::max(variance, 0.0)));
  summary.p50 = quantile(all, 0.5);
  summary.p90 = quantile(all, 0.9);
  summary.p99 = quantile(all, 0.99);
  summary.busy_share = all.busy_s / time;
  return summary;
}

}  // namespace loopscope
