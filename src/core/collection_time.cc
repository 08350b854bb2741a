#include "core/collection_time.h"

#include <algorithm>

namespace loopscope {
namespace {

/// More of them between two looks is nonsense.
constexpr std::int64_t kMostUnseen = 1000;

}  // namespace

void CollectionTime::begin(Nanos from) {
  const bool count_is_wrong = count_is_wrong_;
  *this = CollectionTime();
  begin_ = counted_until_ = looked_at_ = from;
  count_is_wrong_ = count_is_wrong;
}

void CollectionTime::add(const Collections& told, Nanos at, Nanos until) {
  const Nanos step = std::max(at - looked_at_, Nanos(0));
  looked_at_ = at;
  auto ended = told.ended;
  std::ranges::sort(ended, {}, &Collection::end);
  std::int64_t seen = 0;
  Nanos seen_time{0};
  for (const Collection& each : ended) {
    if (each.end <= counted_until_ || each.start >= until || each.end > at) continue;
    ++seen;
    seen_time += each.end - std::max(each.start, counted_until_);
    counted_until_ = each.end;
  }
  const bool ran = running_since_ != Nanos(0);
  const bool runs = told.running_since > begin_ && told.running_since < until;
  running_since_ = runs ? std::max(told.running_since, counted_until_) : Nanos(0);
  if (count_ && !count_is_wrong_) {
    const auto begun = static_cast<std::int64_t>(told.count - *count_);
    // The one in progress at the look before is among the seen if any is.
    const bool saw_its_end = ran && seen > 0;
    const bool runs_newly = runs && (!ran || saw_its_end);
    const std::int64_t unseen = begun - (seen - (saw_its_end ? 1 : 0)) - (runs_newly ? 1 : 0);
    count_is_wrong_ = unseen < -1 || unseen > kMostUnseen;
    if (unseen > 0 && seen > 0 && !count_is_wrong_) {
      const Nanos room = std::max(step - seen_time, Nanos(0));
      seen_time += std::min(seen_time / seen * unseen, room);
    }
  }
  count_ = told.count;
  total_ += seen_time;
}

Nanos CollectionTime::total(Nanos now) const {
  const Nanos open = running_since_ == Nanos(0) ? Nanos(0) : now - running_since_;
  return total_ + std::max(open, Nanos(0));
}

}  // namespace loopscope
