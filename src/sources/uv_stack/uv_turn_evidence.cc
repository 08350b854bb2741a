#include "sources/uv_stack/uv_turn_evidence.h"

namespace loopscope {
namespace {

// The order after a poll in libuv < 1.45. Pending callbacks run both before and after
// the poll, so they tell nothing.
std::optional<int> order_in_turn(Phase phase) {
  switch (phase) {
    case Phase::kPollWait:
      return 0;
    case Phase::kPoll:
      return 1;
    case Phase::kCheck:
      return 2;
    case Phase::kClosing:
      return 3;
    case Phase::kTimers:
      return 4;
    case Phase::kIdlePrepare:
      return 5;
    default:
      return std::nullopt;
  }
}

bool in_poll(Phase phase) { return phase == Phase::kPoll || phase == Phase::kPollWait; }

}  // namespace

std::uint64_t UvTurnEvidence::observe(Phase phase, std::optional<std::uint64_t> poll_base,
                                      std::optional<std::uint64_t> loop_time) {
  if (phase_ && turned(phase, poll_base, loop_time)) ++turn_;
  phase_ = phase;
  poll_base_ = poll_base;
  loop_time_ = loop_time;
  return turn_;
}

bool UvTurnEvidence::turned(Phase phase, std::optional<std::uint64_t> poll_base,
                            std::optional<std::uint64_t> loop_time) const {
  const auto before = order_in_turn(*phase_);
  const auto now = order_in_turn(phase);
  if (before && now && *now < *before) return true;
  if (in_poll(phase) && in_poll(*phase_)) {
    return poll_base && poll_base_ ? poll_base != poll_base_ : loop_time != loop_time_;
  }
  return phase == *phase_ && loop_time != loop_time_;
}

}  // namespace loopscope
