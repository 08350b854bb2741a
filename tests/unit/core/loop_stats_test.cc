#include "core/loop_stats.h"

#include <gtest/gtest.h>

#include <random>

namespace loopscope {
namespace {

using namespace std::chrono_literals;

TEST(LoopStats, WaitingAddsOneZeroPerMillisecond) {
  LoopStats stats;
  for (int i = 0; i < 1000; ++i) stats.observe_no_lag(1s, 300us);
  const HistogramSnapshot lag = stats.snapshot(1s).lag;
  EXPECT_EQ(lag.count, 300u);
  EXPECT_EQ(lag.counts.front(), 300u);
  EXPECT_EQ(lag.sum, 0);
}

TEST(LoopStats, AStallSpreadsItsLagsEvenly) {
  LoopStats stats;
  stats.observe_no_lag(14500ms, 14500ms);
  stats.observe_busy_periods(15s, 500ms, 1);
  const LoopStatsSnapshot snapshot = stats.snapshot(15s);
  EXPECT_EQ(snapshot.lag.count, 15000u);
  EXPECT_EQ(snapshot.lag.counts[8], 250u) << "(.25, .5]";
  EXPECT_EQ(snapshot.lag.counts[7], 150u) << "(.1, .25]";
  EXPECT_NEAR(snapshot.lag.sum, 125, .5);
  EXPECT_EQ(snapshot.lag_max_1m, Nanos(500ms));
}

TEST(LoopStats, MicrosecondsOfWorkShowOnlyOnceTheyMakeAMillisecond) {
  LoopStats stats;
  for (int i = 0; i < 999; ++i) stats.observe_busy_periods(1s, 1us, 1);
  EXPECT_EQ(stats.snapshot(1s).lag.count, 0u);
  stats.observe_busy_periods(1s, 2us, 1);
  const HistogramSnapshot lag = stats.snapshot(1s).lag;
  EXPECT_EQ(lag.count, 1u);
  EXPECT_LT(lag.sum, 2e-6) << "a lag of about a microsecond, not of a millisecond";
}

TEST(LoopStats, LagMatchesTheTrueDistributionAndSum) {
  std::mt19937_64 random(5);
  LoopStats stats;
  Histogram truth;
  double true_sum = 0;
  Nanos busy{0};
  for (int i = 0; i < 50000; ++i) {
    const Nanos length(std::uniform_int_distribution<std::int64_t>(20'000, 6'000'000)(random));
    stats.observe_busy_periods(1s, length, 1);
    busy += length;
    const double seconds = std::chrono::duration<double>(length).count();
    true_sum += seconds * seconds / 2 * 1000;
    truth.observe_uniform(seconds, static_cast<std::uint64_t>(length / 10us));
  }
  const HistogramSnapshot lag = stats.snapshot(1s).lag;
  EXPECT_NEAR(static_cast<double>(lag.count), static_cast<double>(busy / 1ms), 2);
  EXPECT_NEAR(lag.sum, true_sum, true_sum * .005);
  for (std::size_t i = 0; i < lag.counts.size(); ++i) {
    EXPECT_NEAR(static_cast<double>(lag.counts[i]) / static_cast<double>(lag.count),
                static_cast<double>(truth.snapshot().counts[i]) /
                    static_cast<double>(truth.snapshot().count),
                .01)
        << i;
  }
}

TEST(LoopStats, SumsOfShortPeriodsCountLikeTheSinglePeriods) {
  LoopStats one_by_one, by_sums;
  double squares = 0;
  Nanos total{0};
  std::mt19937_64 random(6);
  for (int i = 0; i < 20000; ++i) {
    const Nanos length(std::uniform_int_distribution<std::int64_t>(1'000, 999'999)(random));
    one_by_one.observe_busy_periods(1s, length, 1);
    const double seconds = std::chrono::duration<double>(length).count();
    squares += seconds * seconds;
    total += length;
  }
  by_sums.observe_short_periods(1s, total, squares);
  const HistogramSnapshot expected = one_by_one.snapshot(1s).lag, lag = by_sums.snapshot(1s).lag;
  EXPECT_EQ(lag.count, expected.count);
  EXPECT_NEAR(lag.sum, expected.sum, expected.sum * .01);
  EXPECT_NEAR(lag.sum, squares / 2 * 1000, squares / 2 * 1000 * .01);
}

TEST(LoopStats, UnwatchedTimeIsUnknownButNeitherActiveNorIdle) {
  LoopStats stats;
  stats.add_busy(Phase::kUnknown, 1s);
  stats.add_unwatched(2s);
  stats.add_waiting(4s);
  const LoopStatsSnapshot snapshot = stats.snapshot(10s);
  EXPECT_EQ(snapshot.phase_time[index_of(Phase::kUnknown)], Nanos(3s));
  EXPECT_EQ(snapshot.active_time, Nanos(1s));
  EXPECT_EQ(snapshot.idle_time, Nanos(4s));
  EXPECT_EQ(snapshot.phase_time[index_of(Phase::kPollWait)], Nanos(4s));
}

TEST(LoopStats, TheLastMinuteHasEveryKindOfObservation) {
  LoopStats stats;
  EXPECT_FALSE(stats.snapshot(100s).lag_1m.has_value());
  stats.observe_no_lag(100s, 8s);
  stats.observe_busy_periods(101s, 100ms, 10);
  stats.observe_short_periods(102s, 1s, 2000 * 0.0005 * 0.0005);
  const auto lag = stats.snapshot(102s).lag_1m;
  ASSERT_TRUE(lag.has_value());
  EXPECT_NEAR(lag->busy_share, 0.2, 1e-6);
  EXPECT_NEAR(std::chrono::duration<double>(lag->mean).count(),
              (10 * 0.01 + 2000 * 0.0005 * 0.0005) / 2 / 10, 1e-8);
  const LoopStatsSnapshot blocked = stats.snapshot(112s, 10s);
  EXPECT_EQ(blocked.blocked, Nanos(10s));
  EXPECT_EQ(blocked.lag_max_1m, Nanos(10s));
  EXPECT_NEAR(blocked.lag_1m->busy_share, 0.6, 1e-6);
}

TEST(LoopStats, TheMaximumIsForgottenAfterAMinute) {
  LoopStats stats;
  stats.observe_busy_periods(100s, 300ms, 1);
  EXPECT_EQ(stats.snapshot(159s).lag_max_1m, Nanos(300ms));
  EXPECT_EQ(stats.snapshot(162s).lag_max_1m, Nanos(0));
}

}  // namespace
}  // namespace loopscope
