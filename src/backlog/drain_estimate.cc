#include "backlog/drain_estimate.h"

#include <algorithm>
#include <utility>

namespace loopscope {
namespace {

constexpr Nanos kWindow = std::chrono::seconds(5);
constexpr Nanos kLeast = std::chrono::seconds(1);  // of observation before a rate is told

}  // namespace

void DrainEstimate::observe(Nanos at, std::uint64_t depth, std::set<Cookie> waiting) {
  const auto waited_before = [this](const Cookie& cookie) { return waiting_.contains(cookie); };
  const auto stayed =
      static_cast<std::uint64_t>(std::count_if(waiting.begin(), waiting.end(), waited_before));
  if (stayed == 0 || at <= at_) {
    steps_.clear();
  } else {
    // Depth and cookies are read one after the other: a connection may come between.
    const std::uint64_t due = depth_ + (waiting.size() - stayed);
    steps_.push_back({at, at - at_, due > depth ? due - depth : 0});
    while (steps_.size() > 1 && steps_.front().end <= at - kWindow) steps_.pop_front();
  }
  waiting_ = std::move(waiting);
  depth_ = depth;
  at_ = at;
}

std::optional<Nanos> DrainEstimate::drain(Nanos now, std::uint64_t depth) const {
  if (depth == 0) return Nanos{0};
  if (steps_.empty() || now - at_ > 2 * kWindow) return std::nullopt;
  Nanos span{0};
  std::uint64_t accepted = 0;
  for (const Step& step : steps_) {
    span += step.span;
    accepted += step.accepted;
  }
  if (span < kLeast || accepted == 0) return std::nullopt;
  const double seconds = std::chrono::duration<double>(span).count();
  return std::chrono::duration_cast<Nanos>(std::chrono::duration<double>(
      seconds * static_cast<double>(depth) / static_cast<double>(accepted)));
}

}  // namespace loopscope
