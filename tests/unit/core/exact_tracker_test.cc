#include "core/exact_tracker.h"

#include <gtest/gtest.h>

#include <random>

#include "core/loop_tracker.h"
#include "support/monotone_check.h"
#include "support/sanitizer.h"

namespace loopscope {
namespace {

using namespace std::chrono_literals;

LoopIteration iteration(Nanos begin, Nanos end, Phase phase) {
  LoopIteration result{.begin = begin, .end = end, .phases = {}, .causes = {}};
  result.phases[index_of(phase)] = end - begin;
  return result;
}

Nanos phase_time(const LoopStatsSnapshot& snapshot, Phase phase) {
  return snapshot.phase_time[index_of(phase)];
}

class ExactTrackerTest : public ::testing::Test {
 protected:
  LoopTracker tracker_{{.stall_threshold = 50ms, .exact = true}};
};

TEST_F(ExactTrackerTest, TakesIterationsLiterally) {
  LoopIteration mixed = iteration(100s, 100s + 3ms, Phase::kPoll);
  mixed.phases[index_of(Phase::kPoll)] = 2ms;
  mixed.phases[index_of(Phase::kTimers)] = 1ms;
  tracker_.on_iteration(mixed);
  tracker_.on_iteration(iteration(100s + 10ms, 100s + 14ms, Phase::kCheck));
  const LoopStatsSnapshot snapshot = tracker_.snapshot(100s + 20ms);
  EXPECT_EQ(phase_time(snapshot, Phase::kPoll), Nanos(2ms));
  EXPECT_EQ(phase_time(snapshot, Phase::kTimers), Nanos(1ms));
  EXPECT_EQ(phase_time(snapshot, Phase::kCheck), Nanos(4ms));
  EXPECT_EQ(snapshot.active_time, Nanos(7ms));
  EXPECT_EQ(snapshot.idle_time, Nanos(13ms)) << "waiting in progress counts";
  EXPECT_EQ(snapshot.iterations, 2u);
  ASSERT_TRUE(snapshot.iteration_duration);
  EXPECT_EQ(snapshot.iteration_duration->count, 2u);
  EXPECT_NEAR(snapshot.iteration_duration->sum, .007, 1e-12);
  EXPECT_EQ(snapshot.lag.count, 20u);
  EXPECT_EQ(snapshot.lag_max_1m, Nanos(4ms));
  EXPECT_EQ(snapshot.blocked, Nanos(0));
  EXPECT_EQ(snapshot.current_phase, Phase::kPollWait);
}

TEST_F(ExactTrackerTest, AStallShowsWhileItLasts) {
  tracker_.on_iteration(iteration(100s, 100s + 1ms, Phase::kPoll));
  tracker_.on_busy(101s, Phase::kTimers);
  LoopStatsSnapshot snapshot = tracker_.snapshot(101s + 30ms);
  EXPECT_EQ(snapshot.blocked, Nanos(30ms));
  EXPECT_EQ(snapshot.current_phase, Phase::kTimers);
  EXPECT_EQ(all_stalls(snapshot).count, 0u);
  EXPECT_EQ(phase_time(snapshot, Phase::kTimers), Nanos(30ms));

  tracker_.on_busy(101s, Phase::kTimers);
  snapshot = tracker_.snapshot(103s);
  EXPECT_EQ(snapshot.blocked, Nanos(2s));
  EXPECT_EQ(snapshot.lag_max_1m, Nanos(2s));
  const auto& totals = snapshot.stalls[index_of(Phase::kTimers)][index_of(Cause::kUnknown)];
  EXPECT_EQ(totals.count, 1u);
  EXPECT_EQ(totals.time, Nanos(2s));
  EXPECT_EQ(phase_time(snapshot, Phase::kTimers), Nanos(2s));
  EXPECT_EQ(total_phase_time(snapshot), Nanos(3s));

  tracker_.on_iteration(iteration(101s, 104s, Phase::kTimers));
  snapshot = tracker_.snapshot(104s);
  EXPECT_EQ(snapshot.blocked, Nanos(0));
  EXPECT_EQ(all_stalls(snapshot).count, 1u);
  EXPECT_EQ(all_stalls(snapshot).time, Nanos(3s));
  EXPECT_EQ(snapshot.stall_duration.count, 1u);
  EXPECT_EQ(total_phase_time(snapshot), Nanos(4s));
}

TEST_F(ExactTrackerTest, CausesAreTakenAsGiven) {
  LoopIteration stall = iteration(100s, 101s, Phase::kPoll);
  stall.causes[index_of(Cause::kCpu)] = 300ms;
  stall.causes[index_of(Cause::kBlocked)] = 700ms;
  tracker_.on_iteration(stall);
  const LoopStatsSnapshot snapshot = tracker_.snapshot(101s);
  const auto& causes = snapshot.stalls[index_of(Phase::kPoll)];
  EXPECT_EQ(causes[index_of(Cause::kBlocked)].count, 1u);
  EXPECT_EQ(causes[index_of(Cause::kBlocked)].time, Nanos(700ms));
  EXPECT_EQ(causes[index_of(Cause::kCpu)].time, Nanos(300ms));
}

TEST_F(ExactTrackerTest, ShortTurnsByTheirSums) {
  tracker_.on_iteration(iteration(100s, 100s + 1ms, Phase::kPoll));
  ShortIterations turns{.until = 101s, .count = 1000, .phases = {}, .squared_s2 = 1000 * 1e-8};
  turns.phases[index_of(Phase::kPoll)] = 100ms;
  tracker_.on_short_iterations(turns);
  const LoopStatsSnapshot snapshot = tracker_.snapshot(101s);
  EXPECT_EQ(snapshot.iterations, 1001u);
  EXPECT_EQ(snapshot.active_time, Nanos(101ms));
  EXPECT_EQ(snapshot.idle_time, Nanos(899ms));
  EXPECT_EQ(snapshot.iteration_duration->counts.front(), 1001u);
  EXPECT_EQ(snapshot.lag.count, 1000u);
  EXPECT_NEAR(snapshot.lag.sum, 100 * 50e-6, 60e-6 + .001);
}

TEST_F(ExactTrackerTest, AGapIsUnwatched) {
  tracker_.on_iteration(iteration(100s, 100s + 1ms, Phase::kPoll));
  tracker_.on_gap(105s);
  tracker_.on_iteration(iteration(106s, 106s + 1ms, Phase::kPoll));
  const LoopStatsSnapshot snapshot = tracker_.snapshot(106s + 1ms);
  EXPECT_EQ(phase_time(snapshot, Phase::kUnknown), Nanos(4999ms));
  EXPECT_EQ(snapshot.active_time, Nanos(2ms));
  EXPECT_EQ(snapshot.idle_time, Nanos(1s));
}

TEST_F(ExactTrackerTest, ALateReportDoesNotMakeCountersGoDown) {
  tracker_.on_iteration(iteration(100s, 100s + 1ms, Phase::kPoll));
  const LoopStatsSnapshot before = tracker_.snapshot(102s);
  EXPECT_EQ(before.idle_time, Nanos(1999ms));
  // It was busy for the last 100 ms of that.
  tracker_.on_iteration(iteration(102s - 100ms, 102s + 1ms, Phase::kTimers));
  const LoopStatsSnapshot after = tracker_.snapshot(102s + 1ms);
  expect_not_below(before, after);
  EXPECT_EQ(total_phase_time(after), Nanos(2001ms));
  tracker_.on_iteration(iteration(103s, 103s + 1ms, Phase::kTimers));
  const LoopStatsSnapshot repaid = tracker_.snapshot(103s + 1ms);
  EXPECT_EQ(phase_time(repaid, Phase::kTimers), Nanos(102ms));
  EXPECT_EQ(total_phase_time(repaid), Nanos(3001ms));
}

TEST_F(ExactTrackerTest, LiveJudgementsAreCorrectedWithoutGoingDown) {
  tracker_.on_busy(100s, Phase::kPoll);
  const LoopStatsSnapshot before = tracker_.snapshot(100s + 40ms);
  EXPECT_EQ(phase_time(before, Phase::kPoll), Nanos(40ms));
  tracker_.on_iteration(iteration(100s, 100s + 45ms, Phase::kCheck));
  const LoopStatsSnapshot after = tracker_.snapshot(100s + 45ms);
  expect_not_below(before, after);
  EXPECT_EQ(after.active_time, Nanos(45ms));
  tracker_.on_iteration(iteration(100s + 45ms, 100s + 95ms, Phase::kPoll));
  const LoopStatsSnapshot repaid = tracker_.snapshot(100s + 95ms);
  EXPECT_EQ(phase_time(repaid, Phase::kCheck), Nanos(45ms));
  EXPECT_EQ(phase_time(repaid, Phase::kPoll), Nanos(50ms));
}

TEST(ExactTrackerProperty, NothingEverGoesDownWhateverComes) {
  for (std::uint64_t seed = 1; seed <= rounds_here(30); ++seed) {
    std::mt19937_64 random(seed);
    LoopTracker tracker({.stall_threshold = 5ms, .exact = true});
    LoopStatsSnapshot before = tracker.snapshot(0s);
    Nanos now = 1000s;
    const auto time = [&]() -> Nanos {
      switch (random() % 20) {
        case 0:
          return Nanos(static_cast<std::int64_t>(random()));
        case 1:
          return Nanos::max();
        case 2:
          return Nanos::min();
        case 3:
          return now - Nanos(static_cast<std::int64_t>(random() % 3'000'000'000));
        default:
          return now += Nanos(static_cast<std::int64_t>(random() % 20'000'000));
      }
    };
    for (int i = 0; i < 2000; ++i) {
      switch (random() % 6) {
        case 0:
          tracker.on_busy(time(), static_cast<Phase>(random() % 9));
          break;
        case 1:
          tracker.on_gap(time());
          break;
        case 2: {
          ShortIterations turns{.until = time(), .count = random() % 5, .phases = {}};
          turns.phases[random() % kPhaseCount] = Nanos(static_cast<std::int64_t>(random() % 9'999));
          turns.squared_s2 = random() % 7 == 0 ? -1 : 1e-9;
          tracker.on_short_iterations(turns);
          break;
        }
        default: {
          const Nanos begin = time();
          LoopIteration turn = iteration(begin, begin, static_cast<Phase>(random() % kPhaseCount));
          turn.end = random() % 20 == 0
                         ? time()
                         : now += Nanos(static_cast<std::int64_t>(random() % 9000000));
          turn.phases[random() % kPhaseCount] =
              Nanos(static_cast<std::int64_t>(random() % 99'999'999));
          turn.causes[random() % kCauseCount] = Nanos(static_cast<std::int64_t>(random()));
          tracker.on_iteration(turn);
        }
      }
      const LoopStatsSnapshot after = tracker.snapshot(time());
      ASSERT_NO_FATAL_FAILURE(expect_not_below(before, after)) << "seed " << seed << " step " << i;
      before = after;
    }
  }
}

}  // namespace
}  // namespace loopscope
