#include "core/sampled_tracker.h"

#include <gtest/gtest.h>

#include "base/duration.h"
#include "core/loop_tracker.h"
#include "support/monotone_check.h"

// The rules, one by one, on looks written out by hand. How well they measure is in
// loop_tracker_test.cc.

namespace loopscope {
namespace {

using namespace std::chrono_literals;

Nanos phase_time(const LoopStatsSnapshot& snapshot, Phase phase) {
  return snapshot.phase_time[index_of(phase)];
}

class SampledTrackerTest : public ::testing::Test {
 protected:
  /// A look `at` after the start; `run`: CPU time since the start.
  void look(Nanos at, Phase phase, std::uint64_t iteration, Nanos run) {
    LoopSample sample;
    sample.at = 100s + at;
    sample.phase = phase;
    sample.iteration = iteration;
    sample.iteration_is_count = counted_;
    if (accounted_) sample.sched = SchedCounters{.run = 5s + run, .runqueue_wait = waited_ + 1s};
    sample.stopped = stopped_;
    sample.collecting = collecting_;
    sample.unsure = unsure_;
    sample.withheld = withheld_;
    sample.collections = collections_;
    tracker_.on_sample(sample);
    last_ = 100s + at;
  }
  LoopStatsSnapshot now() { return tracker_.snapshot(last_); }

  bool counted_ = true, accounted_ = true, stopped_ = false, collecting_ = false;
  bool unsure_ = false, withheld_ = false;
  std::optional<Collections> collections_;
  Nanos waited_{0};  ///< time on the run queue
  Nanos last_{0};
  LoopTracker tracker_{{.stall_threshold = 50ms}};
};

TEST_F(SampledTrackerTest, AnIdleLoopHasLagZeroInEveryObservation) {
  for (int i = 0; i <= 1000; ++i) look(i * 10ms, Phase::kPollWait, 7, 0ms);
  const LoopStatsSnapshot snapshot = now();
  EXPECT_EQ(snapshot.lag.count, 10000u);
  EXPECT_EQ(snapshot.lag.counts.front(), 10000u);
  EXPECT_EQ(snapshot.lag.sum, 0);
  EXPECT_EQ(snapshot.lag_max_1m, Nanos(0));
  EXPECT_EQ(snapshot.idle_time, Nanos(10s));
  EXPECT_EQ(snapshot.active_time, Nanos(0));
  EXPECT_EQ(snapshot.iterations, 0u);
}

TEST_F(SampledTrackerTest, TurnsBetweenTwoWaitsShareTheRunTime) {
  look(0ms, Phase::kPollWait, 10, 0ms);
  look(4ms, Phase::kPollWait, 14, 2ms);
  const LoopStatsSnapshot snapshot = now();
  EXPECT_EQ(snapshot.active_time, Nanos(2ms));
  EXPECT_EQ(snapshot.idle_time, Nanos(2ms));
  EXPECT_EQ(phase_time(snapshot, Phase::kPoll), Nanos(2ms));
  EXPECT_EQ(snapshot.iterations, 4u);
  EXPECT_EQ(snapshot.lag.count, 4u);
  EXPECT_EQ(snapshot.lag_max_1m, Nanos(500us));
}

TEST_F(SampledTrackerTest, TimeOnTheRunQueueIsBusy) {
  look(0ms, Phase::kPollWait, 1, 0ms);
  waited_ = 1ms;
  look(4ms, Phase::kPollWait, 2, 1ms);
  EXPECT_EQ(now().active_time, Nanos(2ms));
}

TEST_F(SampledTrackerTest, AShortBusyPeriodIsAsLongAsItRan) {
  look(0ms, Phase::kPollWait, 1, 0ms);
  look(10ms, Phase::kCheck, 1, 0ms);
  look(14ms, Phase::kPollWait, 2, 3ms);
  const LoopStatsSnapshot snapshot = now();
  EXPECT_EQ(snapshot.active_time, Nanos(3ms));
  EXPECT_EQ(phase_time(snapshot, Phase::kCheck), Nanos(3ms));
  EXPECT_EQ(snapshot.idle_time, Nanos(11ms));
  EXPECT_EQ(snapshot.lag_max_1m, Nanos(3ms));
  EXPECT_EQ(snapshot.lag.count, 14u);
}

TEST_F(SampledTrackerTest, AStallInProgressIsVisibleAtOnce) {
  look(0ms, Phase::kPollWait, 1, 0ms);
  look(10ms, Phase::kTimers, 1, 4ms);
  for (int i = 11; i < 56; ++i) look(i * 1ms, Phase::kTimers, 1, i * 1ms - 6ms);
  EXPECT_EQ(all_stalls(now()).count, 0u) << "49 ms so far";
  look(56ms, Phase::kTimers, 1, 50ms);
  LoopStatsSnapshot snapshot = now();
  EXPECT_EQ(snapshot.stalls[index_of(Phase::kTimers)][index_of(Cause::kCpu)].count, 1u);
  EXPECT_EQ(snapshot.blocked, Nanos(50ms));
  EXPECT_EQ(snapshot.lag_max_1m, Nanos(50ms));
  EXPECT_EQ(snapshot.current_phase, Phase::kTimers);
  EXPECT_EQ(total_phase_time(snapshot), Nanos(56ms));
  EXPECT_EQ(tracker_.busy_for(last_ + 3ms), Nanos(53ms)) << "goes on between looks";

  look(60ms, Phase::kPollWait, 2, 53ms);
  snapshot = now();
  EXPECT_EQ(snapshot.blocked, Nanos(0));
  EXPECT_EQ(all_stalls(snapshot).count, 1u);
  EXPECT_EQ(all_stalls(snapshot).time, Nanos(53ms));
  EXPECT_EQ(snapshot.active_time, Nanos(53ms));
  EXPECT_EQ(snapshot.lag_max_1m, Nanos(53ms));
}

TEST_F(SampledTrackerTest, AnOldLookIsNotExtrapolated) {
  look(0ms, Phase::kPollWait, 1, 0ms);
  look(4ms, Phase::kTimers, 1, 0ms);
  look(24ms, Phase::kTimers, 1, 20ms);
  EXPECT_EQ(tracker_.busy_for(last_ + 900ms), Nanos(920ms));
  EXPECT_EQ(tracker_.busy_for(last_ + 5s), Nanos(20ms));
}

TEST_F(SampledTrackerTest, SleepingInASystemCallIsBlocked) {
  look(0ms, Phase::kPollWait, 1, 0ms);
  look(4ms, Phase::kPoll, 1, 1ms);
  for (int i = 5; i <= 104; ++i) look(i * 1ms, Phase::kPoll, 1, 1ms);
  look(105ms, Phase::kPollWait, 2, 1ms);
  const LoopStatsSnapshot snapshot = now();
  const auto& causes = snapshot.stalls[index_of(Phase::kPoll)];
  EXPECT_EQ(causes[index_of(Cause::kBlocked)].count, 1u);
  EXPECT_NEAR(static_cast<double>(causes[index_of(Cause::kBlocked)].time / 1us), 102000, 2000);
  EXPECT_EQ(causes[index_of(Cause::kCpu)].time, Nanos(1ms));
}

TEST_F(SampledTrackerTest, WaitingForACpuIsStarved) {
  look(0ms, Phase::kPollWait, 1, 0ms);
  look(4ms, Phase::kPoll, 1, 1ms);
  for (int i = 5; i <= 104; ++i) look(i * 1ms, Phase::kPoll, 1, 1ms);
  waited_ = 95ms;  // the kernel adds it when the thread gets its CPU
  look(105ms, Phase::kPollWait, 2, 7ms);
  const LoopStatsSnapshot snapshot = now();
  const auto& causes = snapshot.stalls[index_of(Phase::kPoll)];
  EXPECT_EQ(causes[index_of(Cause::kStarved)].count, 1u);
  EXPECT_EQ(causes[index_of(Cause::kStarved)].time, Nanos(95ms));
}

TEST_F(SampledTrackerTest, AStoppedThreadDoesNotWaitWhereverItIs) {
  look(0ms, Phase::kPollWait, 1, 0ms);
  stopped_ = true;
  for (int i = 1; i <= 10; ++i) look(i * 10ms, Phase::kPollWait, 1, 0ms);
  LoopStatsSnapshot snapshot = now();
  EXPECT_GE(snapshot.blocked, Nanos(90ms));
  EXPECT_EQ(snapshot.stalls[index_of(Phase::kUnknown)][index_of(Cause::kStopped)].count, 1u);
  stopped_ = false;
  look(110ms, Phase::kPollWait, 1, 0ms);
  snapshot = now();
  EXPECT_EQ(snapshot.stalls[index_of(Phase::kUnknown)][index_of(Cause::kStopped)].count, 1u);
  EXPECT_EQ(snapshot.blocked, Nanos(0));
}

TEST_F(SampledTrackerTest, CollectingIsTakenOutOfTheRest) {
  look(0ms, Phase::kPollWait, 1, 0ms);
  for (int i = 4; i <= 104; ++i) {
    collecting_ = i >= 20 && i < 80;
    look(i * 1ms, Phase::kPoll, 1, i * 1ms);
  }
  look(105ms, Phase::kPollWait, 2, 105ms);
  const LoopStatsSnapshot snapshot = now();
  const auto& causes = snapshot.stalls[index_of(Phase::kPoll)];
  EXPECT_EQ(causes[index_of(Cause::kGc)].count, 1u) << "the larger part";
  EXPECT_NEAR(static_cast<double>(causes[index_of(Cause::kGc)].time / 1us), 60000, 1);
  EXPECT_EQ(causes[index_of(Cause::kCpu)].time + causes[index_of(Cause::kGc)].time, Nanos(105ms));
}

TEST_F(SampledTrackerTest, CollectingCountsAlsoWhereItWaitedForACpu) {
  look(0ms, Phase::kPollWait, 1, 0ms);
  for (int i = 4; i <= 104; ++i) {
    collecting_ = i < 54;
    look(i * 1ms, Phase::kPoll, 1, 0ms);
  }
  collecting_ = false;
  waited_ = 80ms;
  look(104500us, Phase::kPollWait, 2, 20ms);
  const LoopStatsSnapshot snapshot = now();
  const auto& causes = snapshot.stalls[index_of(Phase::kPoll)];
  // Met in it for half of the time: half of each.
  EXPECT_NEAR(static_cast<double>(causes[index_of(Cause::kGc)].time / 1us), 50000, 1000);
  EXPECT_NEAR(static_cast<double>(causes[index_of(Cause::kStarved)].time / 1us), 40000, 1000);
  EXPECT_NEAR(static_cast<double>(causes[index_of(Cause::kCpu)].time / 1us), 10000, 1000);
}

TEST_F(SampledTrackerTest, CollectingCountsAlsoWhereItWaitedForItsHelpers) {
  look(0ms, Phase::kPollWait, 1, 0ms);
  collecting_ = true;
  for (int i = 4; i <= 104; ++i) look(i * 1ms, Phase::kPoll, 1, 5ms);
  look(105ms, Phase::kPollWait, 2, 5ms);
  const LoopStatsSnapshot snapshot = now();
  const auto& causes = snapshot.stalls[index_of(Phase::kPoll)];
  EXPECT_EQ(causes[index_of(Cause::kGc)].count, 1u);
  EXPECT_GE(causes[index_of(Cause::kGc)].time, Nanos(99ms));
  EXPECT_LE(causes[index_of(Cause::kCpu)].time + causes[index_of(Cause::kBlocked)].time,
            Nanos(6ms));
}

TEST_F(SampledTrackerTest, TheProgramsOwnTimesOfCollectionsCountRatherThanLooks) {
  look(0ms, Phase::kPollWait, 1, 0ms);
  collecting_ = true;  // as if every look met one
  collections_ = Collections{.ended = {}, .running_since = Nanos(0), .count = 5};
  for (int i = 4; i <= 104; ++i) {
    if (i == 30) collections_->count = 6, collections_->ended[0] = {100s + 20500us, 100s + 29750us};
    if (i == 90) collections_->count = 7, collections_->ended[1] = {100s + 89100us, 100s + 89850us};
    look(i * 1ms, Phase::kPoll, 1, i * 1ms);
  }
  // One more ends with the period.
  collections_->count = 8, collections_->ended[0] = {100s + 104100us, 100s + 104600us};
  look(105ms, Phase::kPollWait, 2, 105ms);
  const LoopStatsSnapshot snapshot = now();
  const auto& causes = snapshot.stalls[index_of(Phase::kPoll)];
  EXPECT_NEAR(static_cast<double>(causes[index_of(Cause::kGc)].time / 1us), 10500, 1);
  EXPECT_EQ(causes[index_of(Cause::kCpu)].count, 1u) << "the larger part";
}

TEST_F(SampledTrackerTest, CollectingWithoutAccountingClaimsNothing) {
  accounted_ = false;
  collecting_ = true;
  look(0ms, Phase::kPollWait, 1, 0ms);
  for (int i = 4; i <= 104; ++i) look(i * 1ms, Phase::kPoll, 1, 0ms);
  look(105ms, Phase::kPollWait, 2, 0ms);
  const LoopStatsSnapshot snapshot = now();
  const auto& causes = snapshot.stalls[index_of(Phase::kPoll)];
  EXPECT_EQ(causes[index_of(Cause::kUnknown)].count, 1u);
  EXPECT_EQ(causes[index_of(Cause::kGc)].time, Nanos(0));
}

TEST_F(SampledTrackerTest, AStallThatNoLookMetIsCountedIfTheAccountingProvesIt) {
  look(0ms, Phase::kPollWait, 1, 0ms);
  look(300ms, Phase::kPollWait, 2, 200ms);
  const LoopStatsSnapshot snapshot = now();
  EXPECT_EQ(snapshot.stalls[index_of(Phase::kUnknown)][index_of(Cause::kCpu)].count, 1u);
  EXPECT_EQ(all_stalls(snapshot).time, Nanos(200ms));
  EXPECT_EQ(phase_time(snapshot, Phase::kUnknown), Nanos(200ms));
}

TEST_F(SampledTrackerTest, ManyTurnsInALateLookAreNoStall) {
  look(0ms, Phase::kPollWait, 1, 0ms);
  look(300ms, Phase::kPollWait, 401, 200ms);
  EXPECT_EQ(all_stalls(now()).count, 0u);
  EXPECT_EQ(now().lag_max_1m, Nanos(500us));
}

TEST_F(SampledTrackerTest, ALateLookWithoutEvidenceClaimsNothing) {
  counted_ = accounted_ = false;
  look(0ms, Phase::kTimers, 1, 0ms);
  look(900ms, Phase::kTimers, 2, 0ms);
  look(904ms, Phase::kPollWait, 3, 0ms);
  const LoopStatsSnapshot snapshot = now();
  EXPECT_EQ(all_stalls(snapshot).count, 0u);
  EXPECT_LE(snapshot.lag_max_1m, Nanos(4ms));
  EXPECT_GE(phase_time(snapshot, Phase::kUnknown), Nanos(900ms));
  EXPECT_EQ(total_phase_time(snapshot), Nanos(904ms));
  EXPECT_LE(snapshot.active_time, Nanos(4ms));
  EXPECT_FALSE(snapshot.iterations);
}

TEST_F(SampledTrackerTest, UncountedTurnsInLateLooksAreNoStall) {
  counted_ = false;
  look(0ms, Phase::kPollWait, 1, 0ms);
  look(4ms, Phase::kUnknown, 2, 4ms);
  look(94ms, Phase::kUnknown, 3, 94ms);
  look(184ms, Phase::kUnknown, 4, 184ms);
  look(274ms, Phase::kPollWait, 5, 270ms);
  look(364ms, Phase::kPollWait, 6, 350ms);
  look(454ms, Phase::kPollWait, 6, 430ms);
  EXPECT_EQ(all_stalls(now()).count, 0u);
  EXPECT_LE(now().lag_max_1m, Nanos(20ms));
  EXPECT_NEAR(static_cast<double>(now().active_time / 1ms), 430, 1);
}

TEST_F(SampledTrackerTest, WithoutAccountingEdgesCountHalf) {
  accounted_ = false;
  look(0ms, Phase::kPollWait, 1, 0ms);
  look(4ms, Phase::kPoll, 1, 0ms);
  look(8ms, Phase::kPoll, 1, 0ms);
  look(12ms, Phase::kPollWait, 2, 0ms);
  EXPECT_EQ(now().active_time, Nanos(8ms));
  EXPECT_EQ(now().idle_time, Nanos(4ms));
}

TEST_F(SampledTrackerTest, WithoutAccountingTheCauseIsUnknown) {
  accounted_ = false;
  look(0ms, Phase::kPollWait, 1, 0ms);
  look(4ms, Phase::kPoll, 1, 0ms);
  look(84ms, Phase::kPoll, 1, 0ms);
  EXPECT_EQ(now().stalls[index_of(Phase::kPoll)][index_of(Cause::kUnknown)].count, 1u);
}

TEST_F(SampledTrackerTest, BusyPeriodsInDifferentIterationsAreNotOneStall) {
  look(0ms, Phase::kPollWait, 1, 0ms);
  look(4ms, Phase::kPoll, 1, 0ms);
  for (int i = 2; i <= 100; ++i) {
    look(i * 4ms, Phase::kPoll, static_cast<std::uint64_t>(i), i * 4ms);
  }
  EXPECT_EQ(all_stalls(now()).count, 0u);
  EXPECT_LE(now().blocked, Nanos(4ms));
  EXPECT_LE(now().lag_max_1m, Nanos(8ms));
  EXPECT_NEAR(static_cast<double>(now().active_time / 1us), 398000, 3000);
}

TEST_F(SampledTrackerTest, TwoStallsInARowAreTwo) {
  look(0ms, Phase::kPollWait, 1, 0ms);
  look(4ms, Phase::kTimers, 1, 4ms);
  for (int i = 5; i < 104; ++i) look(i * 1ms, Phase::kTimers, 1, i * 1ms);
  for (int i = 104; i < 304; ++i) look(i * 1ms, Phase::kCheck, 2, i * 1ms);
  look(304ms, Phase::kPollWait, 3, 304ms);
  const LoopStatsSnapshot snapshot = now();
  const auto cpu = index_of(Cause::kCpu);
  EXPECT_EQ(snapshot.stalls[index_of(Phase::kTimers)][cpu].count, 1u);
  EXPECT_EQ(snapshot.stalls[index_of(Phase::kCheck)][cpu].count, 1u);
  EXPECT_NEAR(static_cast<double>(all_stalls(snapshot).time / 1us), 304000, 1000);
  EXPECT_EQ(snapshot.lag.count, 304u);
}

TEST_F(SampledTrackerTest, AGapIsUnwatchedUnlessTheLoopProvablyStoodStill) {
  look(0ms, Phase::kPollWait, 1, 0ms);
  look(4ms, Phase::kTimers, 1, 4ms);
  look(104ms, Phase::kTimers, 1, 104ms);
  tracker_.on_gap(100s + 2s);
  EXPECT_EQ(phase_time(tracker_.snapshot(102s), Phase::kUnknown), Nanos(1896ms));
  look(3s, Phase::kTimers, 1, 3s);
  EXPECT_EQ(tracker_.busy_for(last_), Nanos(3s)) << "one iteration all along";
  EXPECT_EQ(all_stalls(now()).count, 1u);

  tracker_.on_gap(100s + 4s);
  look(5s, Phase::kTimers, 9, 5s);
  const LoopStatsSnapshot snapshot = now();
  EXPECT_EQ(snapshot.blocked, Nanos(0)) << "another iteration, seen for the first time";
  EXPECT_EQ(all_stalls(snapshot).count, 1u);
  EXPECT_EQ(snapshot.stall_duration.count, 1u);
  EXPECT_EQ(total_phase_time(snapshot), Nanos(5s));
}

TEST_F(SampledTrackerTest, MayBeginInTheMiddleOfABusyPeriod) {
  look(0ms, Phase::kCheck, 1, 0ms);
  look(60ms, Phase::kCheck, 1, 60ms);
  EXPECT_EQ(now().blocked, Nanos(60ms));
  EXPECT_EQ(all_stalls(now()).count, 1u);
  look(61ms, Phase::kPollWait, 2, 60ms);
  EXPECT_EQ(phase_time(now(), Phase::kCheck), Nanos(60ms));
}

/// Computes from 10 ms on, for so long; nobody can tell whether it polls meanwhile.
#define LOOK_AT_UNSURE_TIME(length)                                          \
  look(0ms, Phase::kPollWait, 1, 0ms);                                       \
  look(10ms, Phase::kUnknown, 1, 0ms);                                       \
  unsure_ = true;                                                            \
  for (Nanos t = 14ms; t < 10ms + (length); t += 4ms) {                      \
    look(t, Phase::kUnknown, static_cast<std::uint64_t>(t / 1ms), t - 10ms); \
  }

TEST_F(SampledTrackerTest, WhereNobodyCanTellWhetherItPollsNothingIsClaimed) {
  counted_ = false;
  LOOK_AT_UNSURE_TIME(3s)
  LoopStatsSnapshot snapshot = now();
  EXPECT_FALSE(snapshot.blocked) << "0.004 s would be a claim";
  EXPECT_FALSE(snapshot.lag_max_1m);
  EXPECT_FALSE(snapshot.lag_1m);
  EXPECT_FALSE(tracker_.busy_for(last_));
  unsure_ = false;
  look(3020ms, Phase::kPollWait, 10000, 3s);
  snapshot = now();
  EXPECT_EQ(snapshot.blocked, Nanos(0));
  EXPECT_FALSE(snapshot.lag_max_1m) << "for a minute";
  EXPECT_EQ(all_stalls(snapshot).count, 0u);
  EXPECT_NEAR(static_cast<double>(snapshot.active_time / 1ms), 3000, 20) << "the CPU time is known";
  EXPECT_LT(snapshot.lag.count, 60u) << "its lag is not";
  for (int i = 1; i <= 66; ++i) look(3020ms + i * 1s, Phase::kPollWait, 10000, 3s);
  EXPECT_TRUE(now().lag_max_1m);
}

TEST_F(SampledTrackerTest, AShortUnsureTimeIsAtMostThatLong) {
  counted_ = false;
  LOOK_AT_UNSURE_TIME(30ms)
  EXPECT_TRUE(now().blocked);
  unsure_ = false;
  look(44ms, Phase::kPollWait, 100, 30ms);
  EXPECT_TRUE(now().lag_max_1m);
  EXPECT_LE(now().lag_max_1m, Nanos(30ms));
}
#undef LOOK_AT_UNSURE_TIME

TEST_F(SampledTrackerTest, ASleepThatIsSeenIsAStallAlsoWhereTheRestIsUnsure) {
  counted_ = false;
  look(0ms, Phase::kPollWait, 1, 0ms);
  unsure_ = true;
  for (int t = 10; t < 200; t += 4) {
    look(t * 1ms, Phase::kUnknown, static_cast<std::uint64_t>(t), t * 1ms);
  }
  unsure_ = false;
  for (int t = 200; t < 400; t += 4) look(t * 1ms, Phase::kUnknown, 196, 196ms);
  EXPECT_GE(now().blocked, Nanos(195ms));
  EXPECT_EQ(all_stalls(now()).count, 1u);
}

TEST_F(SampledTrackerTest, WithheldLooksCountOnceTheyAreSettled) {
  counted_ = false;
  look(0ms, Phase::kPollWait, 1, 0ms);
  look(4ms, Phase::kUnknown, 1, 0ms);
  withheld_ = true;
  for (int t = 8; t < 500; t += 4) look(t * 1ms, Phase::kUnknown, 1, 0ms);
  EXPECT_EQ(all_stalls(now()).count, 0u);
  EXPECT_FALSE(now().blocked);
  withheld_ = false;
  look(500ms, Phase::kPollWait, 2, 0ms);
  EXPECT_EQ(all_stalls(now()).count, 1u);
  EXPECT_NEAR(in_seconds(all_stalls(now()).time), 0.494, 0.006);
}

TEST_F(SampledTrackerTest, WithheldLooksThatAreNeverSettledDoNotCount) {
  counted_ = false;
  look(0ms, Phase::kPollWait, 1, 0ms);
  look(4ms, Phase::kUnknown, 1, 0ms);
  withheld_ = true;
  for (int t = 8; t < 500; t += 4) look(t * 1ms, Phase::kUnknown, 1, 0ms);
  tracker_.on_gap(last_);
  withheld_ = false;
  look(600ms, Phase::kPollWait, 2, 0ms);
  EXPECT_EQ(all_stalls(now()).count, 0u);
}

}  // namespace
}  // namespace loopscope
