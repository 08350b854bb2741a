#pragma once

#include <algorithm>

#include "base/clock.h"

namespace loopscope {

/// When to repeat a job whose cost we do not control: every `interval`, but with pauses of
/// at least 200 times its last cost, so that it never takes more than 0.5 % of a CPU.
class BudgetedJob {
 public:
  explicit BudgetedJob(Nanos interval) : interval_(interval) {}

  /// `urgent`: something changed, so do not wait for the interval, only for the budget.
  bool due(Nanos now, bool urgent) const {
    if (!has_run_) return true;
    return now >= ended_ + (urgent ? pause_ : std::max(pause_, interval_));
  }

  void ran(Nanos begin, Nanos end) {
    constexpr int kPauseFactor = 200;
    has_run_ = true;
    ended_ = end;
    cost_ = end - begin;
    pause_ = cost_ * kPauseFactor;
  }

  Nanos last_cost() const { return cost_; }

 private:
  Nanos interval_;
  Nanos ended_{0};
  Nanos cost_{0};
  Nanos pause_{0};
  bool has_run_ = false;
};

}  // namespace loopscope
