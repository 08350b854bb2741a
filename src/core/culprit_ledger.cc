#include "core/culprit_ledger.h"

#include <algorithm>
#include <utility>

namespace loopscope {

void CulpritLedger::on_progress(std::uint64_t stall, Nanos so_far) {
  const std::lock_guard lock(mutex_);
  if (current_.id != stall) {
    finish();
    current_.id = stall;
  }
  current_.duration = so_far;
  credit(current_, so_far - kUnsettled);
}

void CulpritLedger::on_end(std::uint64_t stall, Nanos duration) {
  const std::lock_guard lock(mutex_);
  if (current_.id != stall) {
    finish();
    current_.id = stall;
  }
  current_.duration = duration;
  finish();
}

void CulpritLedger::seen(std::uint64_t stall, const CulpritKey& culprit) {
  const std::lock_guard lock(mutex_);
  if (stall == 0) return;
  if (current_.id == stall) {
    current_.last_seen = culprit;
    credit(current_, current_.duration - kUnsettled);
    return;
  }
  const auto late = std::find_if(unnamed_.begin(), unnamed_.end(),
                                 [stall](const Stall& ended) { return ended.id == stall; });
  if (late == unnamed_.end()) return;
  late->last_seen = culprit;
  credit(*late, late->duration);
  unnamed_.erase(late);
}

void CulpritLedger::credit(Stall& stall, Nanos until) {
  if (!stall.last_seen || until <= stall.credited) return;
  culprits_.add(*stall.last_seen, until - std::exchange(stall.credited, until));
}

void CulpritLedger::finish() {
  if (current_.id == 0) return;
  credit(current_, current_.duration);
  if (!current_.last_seen) {
    unnamed_.push_back(std::move(current_));
    if (unnamed_.size() > kRemembered) unnamed_.pop_front();
  }
  current_ = {};
}

std::vector<CulpritTotals> CulpritLedger::totals() const {
  const std::lock_guard lock(mutex_);
  return culprits_.totals();
}

}  // namespace loopscope
