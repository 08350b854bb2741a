#include "embed/turn_phases.h"

#include <gtest/gtest.h>

#include <numeric>
#include <vector>

#include "embed/loop_hooks.h"

namespace loopscope {
namespace {

constexpr std::uint64_t kMilli = 1'000'000;

/// Ten milliseconds from edge to edge, from 1000 ms on.
LongTurn turn() {
  LongTurn turn;
  turn.begin_ns = 1000 * kMilli;
  turn.check_ns = 1010 * kMilli;
  turn.turning_ns = 1020 * kMilli;
  turn.preparing_ns = 1030 * kMilli;
  turn.end_ns = 1040 * kMilli;
  turn.loop_time_ms = 1020;
  return turn;
}

Nanos in(const std::array<Nanos, kPhaseCount>& times, Phase phase) {
  return times[static_cast<std::size_t>(phase)];
}

Nanos ms(int count) { return std::chrono::milliseconds(count); }

TEST(TurnPhasesTest, PartsSumToTheTurn) {
  for (const bool closing : {false, true}) {
    for (const bool pending : {false, true}) {
      for (const std::uint64_t timer_ms : {std::uint64_t{1015}, UINT64_MAX}) {
        LongTurn t = turn();
        t.evidence = {closing, pending, false, timer_ms};
        t.loop_time_ms = 1024;
        const auto times = split_phases(t, {});
        EXPECT_EQ(std::accumulate(times.begin(), times.end(), Nanos(0)), ms(40));
      }
    }
  }
}

TEST(TurnPhasesTest, GoesByEvidenceWhenNothingWasSeen) {
  LongTurn t = turn();
  t.evidence.earliest_timer_ms = 1019;
  EXPECT_EQ(in(split_phases(t, {}), Phase::kTimers), ms(10));
  t.evidence = {.pending = true};
  EXPECT_EQ(in(split_phases(t, {}), Phase::kPending), ms(10));
  t.evidence = {.closing = true};
  EXPECT_EQ(in(split_phases(t, {}), Phase::kClosing), ms(10));
}

TEST(TurnPhasesTest, LibuvsClockDividesClosingFromTimers) {
  LongTurn t = turn();
  t.evidence = {.closing = true, .earliest_timer_ms = 1019};
  t.loop_time_ms = 1027;
  const auto times = split_phases(t, {});
  EXPECT_EQ(in(times, Phase::kClosing), ms(7));
  EXPECT_EQ(in(times, Phase::kTimers), ms(3));
}

TEST(TurnPhasesTest, SightingsOverrideEvidence) {
  LongTurn t = turn();
  t.evidence.earliest_timer_ms = 1019;
  const std::vector<PhaseSighting> seen = {{1004 * kMilli, Phase::kPoll},
                                           {1006 * kMilli, Phase::kCheck},
                                           {1022 * kMilli, Phase::kClosing},
                                           {1028 * kMilli, Phase::kPending}};
  const auto times = split_phases(t, seen);
  EXPECT_EQ(in(times, Phase::kPoll), ms(5));
  EXPECT_EQ(in(times, Phase::kCheck), ms(5 + 10));
  EXPECT_EQ(in(times, Phase::kClosing), ms(5));
  EXPECT_EQ(in(times, Phase::kPending), ms(5));
  EXPECT_EQ(in(times, Phase::kTimers), ms(0));
}

}  // namespace
}  // namespace loopscope
