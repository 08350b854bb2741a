#pragma once

#include "base/clock.h"

namespace loopscope {

/// Decides when a busy period that is no stall yet is worth a look at its stack: a stall that
/// is hardly longer than the threshold would be over before the look after it.
///
/// A period is warned of once, from half of the threshold on. Looks in vain cost the target
/// something, so they are bounded in two ways. A loop whose turns take 30 ms of 50 would be
/// warned of at every turn: after a warning in vain the next comes a quarter later than that
/// period lasted (but before 4/5 of the threshold), until kForget has gone by without another.
/// And no more than kBurst of them are given in vain at once and then one per kInterval.
/// Not thread-safe.
class StallWarning {
 public:
  static constexpr int kBurst = 8;
  static constexpr Nanos kInterval = std::chrono::milliseconds(500);
  static constexpr Nanos kForget = std::chrono::seconds(10);

  explicit StallWarning(Nanos threshold) { set_threshold(threshold); }

  void set_threshold(Nanos threshold);

  /// A period that lasts at least this long may be due.
  Nanos due_from() const { return from_; }
  /// A busy period, no stall yet, has lasted for `so_far` at `now`. True: now is the time;
  /// once per period.
  bool is_due(Nanos so_far, Nanos now);
  /// Whether the period in progress was warned of.
  bool given() const { return given_; }
  /// The period warned of has become a stall.
  void came_true();
  /// It ended without; `duration` as far as it is known.
  void was_in_vain(Nanos duration, Nanos now);

 private:
  Nanos threshold_{0};
  Nanos from_{0};
  Nanos last_in_vain_{0};
  Nanos paid_at_{0};  ///< when all warnings in vain will have been paid for
  bool given_ = false;
};

}  // namespace loopscope
