#include "core/top_culprits.h"

#include <algorithm>

namespace loopscope {

void TopCulprits::add(const CulpritKey& culprit, Nanos time) {
  if (time <= Nanos(0)) return;
  if (const auto found = shown_.find(culprit); found != shown_.end()) {
    found->second.time += time;
    return;
  }
  if (shown_.size() < kShown) {
    shown_.emplace(culprit, Shown{.time = time});
    return;
  }
  const auto rising = candidate(culprit);
  const Nanos before = rising->second.known();
  rising->second.count += time;
  const auto least = least_shown();
  const Nanos hurdle = least->second.known();
  if (before + time <= hurdle + hurdle / 4) {
    other_ += time;
    return;
  }
  candidates_.erase(rising);
  candidates_.emplace(least->first, Candidate{.count = hurdle});
  other_ += least->second.time;
  shown_.erase(least);
  shown_.emplace(culprit, Shown{.time = time, .before = before});
}

/// A new one takes the place of the least, and its count with it, where there is no room.
TopCulprits::CandidateMap::iterator TopCulprits::candidate(const CulpritKey& culprit) {
  const auto found = candidates_.find(culprit);
  if (found != candidates_.end()) return found;
  Nanos inherited{0};
  if (candidates_.size() >= kCandidates) {
    const auto least = std::min_element(
        candidates_.begin(), candidates_.end(),
        [](const auto& a, const auto& b) { return a.second.count < b.second.count; });
    inherited = least->second.count;
    candidates_.erase(least);
  }
  return candidates_.emplace(culprit, Candidate{.count = inherited, .error = inherited}).first;
}

TopCulprits::ShownMap::iterator TopCulprits::least_shown() {
  return std::min_element(shown_.begin(), shown_.end(), [](const auto& a, const auto& b) {
    return a.second.known() < b.second.known();
  });
}

std::vector<CulpritTotals> TopCulprits::totals() const {
  std::vector<CulpritTotals> result;
  result.reserve(shown_.size() + 1);
  for (const auto& [key, shown] : shown_) {
    result.push_back({key.function, key.file, key.line, key.package, shown.time});
  }
  if (other_ > Nanos(0)) result.push_back({"other", "", 0, "", other_});
  return result;
}

}  // namespace loopscope
