#include "engine/loop_history.h"

#include <algorithm>
#include <utility>

namespace loopscope {

void LoopHistory::leave(const Place& place, LoopStatsSnapshot totals, Nanos now) {
  forget(now);
  if (left_.size() >= kMaxPlaces && !left_.contains(place)) {
    left_.erase(
        std::ranges::min_element(left_, {}, [](const auto& item) { return item.second.at; }));
  }
  left_[place] = {std::make_shared<const LoopStatsSnapshot>(std::move(totals)), now};
}

std::shared_ptr<const LoopStatsSnapshot> LoopHistory::take(const Place& place, Nanos now) {
  forget(now);
  const auto found = left_.find(place);
  if (found == left_.end()) return nullptr;
  auto totals = std::move(found->second.totals);
  left_.erase(found);
  return totals;
}

void LoopHistory::forget(Nanos now) {
  std::erase_if(left_, [now](const auto& item) { return now - item.second.at > kKept; });
}

}  // namespace loopscope
