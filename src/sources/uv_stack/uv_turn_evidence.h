#pragma once

#include <cstdint>
#include <optional>

#include "loopscope/phase.h"

namespace loopscope {

/// Tells whether a loop of libuv < 1.45, which keeps no loop_count, has turned between
/// two looks. Two facts serve:
///  - a turn runs its phases in one order, so a phase that lies earlier than the one seen
///    before means a new turn;
///  - uv__io_poll copies loop->time when it is entered, and the loop refreshes that time
///    once a turn, so another copy means another poll. Outside the poll loop->time itself
///    serves; a callback that calls uv_update_time (Node does when it arms a timer) then
///    looks like a turn, which splits a stall of many callbacks and never invents one.
/// Both clocks tick in milliseconds: shorter turns can go unseen.
class UvTurnEvidence {
 public:
  /// Takes one look; returns the number of the turn it belongs to (only ever compared).
  /// `poll_base` and `loop_time` are in milliseconds on libuv's clock; absent: not known.
  std::uint64_t observe(Phase phase, std::optional<std::uint64_t> poll_base,
                        std::optional<std::uint64_t> loop_time);

 private:
  bool turned(Phase phase, std::optional<std::uint64_t> poll_base,
              std::optional<std::uint64_t> loop_time) const;

  std::optional<Phase> phase_;
  std::optional<std::uint64_t> poll_base_;
  std::optional<std::uint64_t> loop_time_;
  std::uint64_t turn_ = 0;
};

}  // namespace loopscope
