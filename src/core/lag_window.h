#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "core/snapshot.h"

namespace loopscope {

/// What arrivals of about the last minute met: the lag over all instants alike, as in the
/// histogram of LoopStats, but of a sliding window.
///
/// It keeps how long the loop waited (lag 0) and how long its busy periods were; one of
/// length B has every lag in (0, B] equally long. Mean and deviation are exact. A quantile
/// is exact where periods of about one length (see bucket_of()) are equally long; otherwise
/// it is never too large and less than 30 % too small.
///
/// The window is cut into slots: what lies back 60 to 65 seconds is forgotten. A busy
/// period counts whole at the moment of its end. Not thread-safe.
class LagWindow {
 public:
  /// The loop waited for `time`, until `end`.
  void add_waiting(Nanos end, Nanos time);
  /// `n` busy periods of `length_s` seconds each, the last of which ended at `end`.
  void add_busy(Nanos end, double length_s, double n);

  /// `open`: how long the busy period in progress has lasted at `now`; counts as if it
  /// ended there. Nothing if nothing was observed.
  std::optional<LagSummary> summary(Nanos now, Nanos open) const;

 private:
  static constexpr std::size_t kSlots = 13;  // 12 full ones and the one being filled
  /// Under a millisecond, then two per doubling, the last from 131 s on.
  static constexpr std::size_t kBuckets = 36;

  struct Periods {
    float count = 0;
    float total_s = 0;
  };
  struct Slot {
    std::int64_t epoch = -1;
    double waiting_s = 0;
    double squares_s2 = 0;  ///< of the lengths
    double cubes_s3 = 0;
    std::array<Periods, kBuckets> periods{};  ///< by length
  };
  struct Sums {
    double waiting_s = 0;
    double busy_s = 0;
    double squares_s2 = 0;
    double cubes_s3 = 0;
    std::array<double, kBuckets> counts{};
    std::array<double, kBuckets> totals_s{};
  };

  static std::size_t bucket_of(double length_s);
  static Nanos quantile(const Sums& sums, double q);
  Slot* slot_of(std::int64_t epoch);
  Sums sums(Nanos now) const;

  std::array<Slot, kSlots> slots_{};
};

}  // namespace loopscope
