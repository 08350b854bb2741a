#include "embed/turn_phases.h"

#include <algorithm>

#include "embed/loop_hooks.h"

namespace loopscope {
namespace {

/// Adds up time per phase.
class TurnTimes {
 public:
  void add(Phase phase, std::uint64_t time_ns) {
    times_[static_cast<std::size_t>(phase)] += Nanos(time_ns);
  }

  /// Splits [from, to) by the sightings in it: each holds from the middle between it and
  /// its neighbour, the first and the last up to the edges. False if there are none.
  bool add_seen(std::uint64_t from_ns, std::uint64_t to_ns,
                std::span<const PhaseSighting> sightings) {
    const PhaseSighting* last = nullptr;
    std::uint64_t since_ns = from_ns;
    for (const PhaseSighting& seen : sightings) {
      if (seen.at_ns < from_ns || seen.at_ns >= to_ns) continue;
      if (last != nullptr && last->phase != seen.phase) {
        const std::uint64_t middle_ns = last->at_ns + (seen.at_ns - last->at_ns) / 2;
        add(last->phase, middle_ns - since_ns);
        since_ns = middle_ns;
      }
      last = &seen;
    }
    if (last == nullptr) return false;
    add(last->phase, to_ns - since_ns);
    return true;
  }

  const std::array<Nanos, kPhaseCount>& times() const { return times_; }

 private:
  std::array<Nanos, kPhaseCount> times_{};
};

}  // namespace

std::array<Nanos, kPhaseCount> split_phases(const LongTurn& turn,
                                            std::span<const PhaseSighting> sightings) {
  TurnTimes times;
  if (!times.add_seen(turn.begin_ns, turn.check_ns, sightings)) {
    times.add(Phase::kPoll, turn.check_ns - turn.begin_ns);
  }
  times.add(Phase::kCheck, turn.turning_ns - turn.check_ns);

  std::uint64_t rest_from_ns = turn.turning_ns;
  if (turn.evidence.closing && turn.loop_time_ms != 0) {
    // libuv reads its clock between the closing callbacks and the timers.
    rest_from_ns = std::clamp(turn.loop_time_ms * kMilliNs, turn.turning_ns, turn.preparing_ns);
  }
  if (!times.add_seen(turn.turning_ns, turn.preparing_ns, sightings)) {
    TurnEvidence rest = turn.evidence;
    const bool only_closing = turn.evidence.earliest_timer_ms > turn.loop_time_ms &&
                              !turn.evidence.pending && !turn.evidence.idle;
    if (turn.evidence.closing && only_closing) rest_from_ns = turn.preparing_ns;
    times.add(Phase::kClosing, rest_from_ns - turn.turning_ns);
    rest.closing = false;
    times.add(turning_phase(rest, turn.loop_time_ms), turn.preparing_ns - rest_from_ns);
  }
  times.add(Phase::kIdlePrepare, turn.end_ns - turn.preparing_ns);
  return times.times();
}

}  // namespace loopscope
