#include "sources/procfs/loop_proof.h"

#include <algorithm>
#include <utility>

namespace loopscope {
namespace {

using namespace std::chrono_literals;

constexpr Nanos kAskUnproven = 100ms;
constexpr Nanos kLongestInterval = 60s;
/// A busy period this long may become a stall.
constexpr Nanos kLongAway = 15ms;
constexpr Nanos kAskAway = 4ms;
constexpr int kAsks = 3;

}  // namespace

LoopProof::Standing LoopProof::standing() const {
  if (is_known_) return Standing::kProven;
  if (!refuted_.empty()) return Standing::kRefuted;
  if (is_alone_) return Standing::kProven;
  if (turns_ >= kTurns && asks_ >= kAsks && pool_asks_ == 0) return Standing::kProven;
  return Standing::kUnproven;
}

std::string LoopProof::reason(int tid) const {
  if (standing() != Standing::kUnproven) return refuted_;
  return "not judged yet: thread " + std::to_string(tid) + " waits in epoll and has not turned " +
         std::to_string(kTurns) + " times since Loopscope looked, as an event loop would";
}

void LoopProof::refute(std::string why) {
  if (!is_known_ && refuted_.empty()) refuted_ = std::move(why);
}

void LoopProof::saw_wait(bool turned) {
  if (turned && turns_ < kTurns) ++turns_;
  away_since_ = futex_since_ = Nanos{0};
}

void LoopProof::saw_away(Nanos now, bool in_futex) {
  if (away_since_ == Nanos{0}) away_since_ = now;
  if (!in_futex) {
    futex_since_ = Nanos{0};
  } else if (futex_since_ == Nanos{0}) {
    futex_since_ = now;
  }
}

bool LoopProof::wants_siblings(Nanos now) const {
  if (is_known_ || standing() == Standing::kRefuted) return false;
  const Nanos since_ask = now - last_ask_;
  const bool is_away = away_since_ != Nanos{0};
  if (standing() == Standing::kUnproven) {
    return since_ask >= (is_away ? kAskAway : kAskUnproven) &&
           (is_away || turns_ > turns_at_ask_ || (pool_asks_ > 0 && turns_ == kTurns));
  }
  if (is_away && (futex_since_ != Nanos{0} || now - away_since_ >= kLongAway)) {
    return since_ask >= kAskAway;
  }
  return since_ask >= interval_;
}

void LoopProof::saw_siblings(Nanos now, bool shares_descriptor, bool is_alone, bool in_pool) {
  pool_asks_ = in_pool ? pool_asks_ + 1 : 0;
  if (pool_asks_ >= kAsks && turns_ >= kTurns) {
    refute("its threads are a pool, one of which polls for all");
  }
  if (shares_descriptor) refute("several of its threads poll one epoll descriptor in turns");
  is_alone_ = is_alone;
  ++asks_;
  turns_at_ask_ = turns_;
  last_ask_ = now;
  interval_ = std::min(std::max<Nanos>(2 * interval_, 1s), kLongestInterval);
}

bool LoopProof::withholds(Nanos now) const {
  if (is_known_ || is_alone_ || futex_since_ == Nanos{0}) return false;
  return now > futex_since_ && now - futex_since_ < kFutexPatience;
}

}  // namespace loopscope
