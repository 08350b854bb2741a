#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "base/clock.h"
#include "embed/published_turns.h"
#include "loopscope/phase.h"

namespace loopscope {

inline constexpr std::uint64_t kMilliNs = 1'000'000;

struct LongTurn;

/// What the loop thread was seen doing at an instant of a turn in progress.
struct PhaseSighting {
  std::uint64_t at_ns = 0;
  Phase phase = Phase::kUnknown;
};

/// The phase that took the time between the check and the prepare callbacks, when it was
/// too short for a closer look.
inline Phase turning_phase(const TurnEvidence& evidence, std::uint64_t loop_time_ms) {
  if (evidence.closing) return Phase::kClosing;
  if (evidence.earliest_timer_ms <= loop_time_ms) return Phase::kTimers;
  if (evidence.pending) return Phase::kPending;
  // Nothing was due beforehand, so what ran was little more than libuv's own turn.
  return Phase::kIdlePrepare;
}

/// Splits a long turn over its phases: by its edges where they are exact, within an edge
/// pair by the sightings, and where there are none by evidence.
std::array<Nanos, kPhaseCount> split_phases(const LongTurn& turn,
                                            std::span<const PhaseSighting> sightings);

}  // namespace loopscope
