#include "apps/loopscope/top/top_rows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace loopscope {
namespace {

using namespace std::chrono_literals;

constexpr auto kTimersIndex = static_cast<std::size_t>(Phase::kTimers);
constexpr auto kWaitIndex = static_cast<std::size_t>(Phase::kPollWait);

/// A loop whose counters the tests move.
LoopSnapshot loop_named(const std::string& loop = "main", int pid = 7) {
  LoopSnapshot snapshot;
  snapshot.labels = {.process = "api", .pid = pid, .loop = loop, .extra = {}};
  snapshot.stats.lag.bounds = {0.01, 0.1, 1};
  snapshot.stats.lag.counts = {0, 0, 0, 0};
  return snapshot;
}

void pass(LoopSnapshot& loop, Nanos timers, Nanos wait) {
  loop.stats.phase_time[kTimersIndex] += timers;
  loop.stats.phase_time[kWaitIndex] += wait;
  loop.stats.active_time += timers;
  loop.stats.idle_time += wait;
}

Snapshot with(LoopSnapshot loop) {
  Snapshot snapshot;
  snapshot.loops.push_back(std::move(loop));
  return snapshot;
}

TEST(TopRows, ALoopSeenForTheFirstTimeHasWhatItsCountersSay) {
  LoopSnapshot loop = loop_named();
  pass(loop, 1s, 3s);
  loop.stats.blocked = 20ms;
  TopRows rows;
  const auto first = rows.update(with(loop), {}, 100s);
  ASSERT_EQ(first.size(), 1U);
  EXPECT_EQ(first[0].process, "api");
  EXPECT_EQ(first[0].pid, 7);
  EXPECT_EQ(first[0].loop, "main");
  EXPECT_DOUBLE_EQ(first[0].utilization.value(), 0.25);
  EXPECT_DOUBLE_EQ(first[0].phase_shares[kTimersIndex], 0.25);
  EXPECT_EQ(first[0].blocked, 20ms);
  EXPECT_FALSE(first[0].lag_p99.has_value());
  EXPECT_FALSE(first[0].backlog.has_value());
}

TEST(TopRows, BlockedIsByTheLoopsOwnThreshold) {
  LoopSnapshot loop = loop_named();
  loop.stats.blocked = 100ms;
  loop.stats.stall_threshold = 200ms;
  TopRows rows;
  EXPECT_FALSE(counts_as_blocked(rows.update(with(loop), {}, 100s)[0]));
  loop.stats.stall_threshold = 20ms;
  loop.stats.blocked = 30ms;
  EXPECT_TRUE(counts_as_blocked(rows.update(with(loop), {}, 101s)[0]));
}

TEST(TopRows, SharesAreThoseOfTheLastInterval) {
  LoopSnapshot loop = loop_named();
  pass(loop, 1s, 3s);
  TopRows rows;
  rows.update(with(loop), {}, 100s);
  pass(loop, 900ms, 100ms);
  const auto next = rows.update(with(loop), {}, 101s);
  EXPECT_DOUBLE_EQ(next[0].utilization.value(), 0.9);
  EXPECT_DOUBLE_EQ(next[0].phase_shares[kTimersIndex], 0.9);
  EXPECT_DOUBLE_EQ(next[0].phase_shares[kWaitIndex], 0.1);
}

TEST(TopRows, NothingObservedIsNotZero) {
  LoopSnapshot loop = loop_named();
  pass(loop, 1s, 3s);
  TopRows rows;
  rows.update(with(loop), {}, 100s);
  const auto next = rows.update(with(loop), {}, 101s);
  EXPECT_FALSE(next[0].utilization.has_value());
  EXPECT_DOUBLE_EQ(next[0].phase_shares[kTimersIndex], 0);
}

TEST(TopRows, StallsAreThoseOfTheLastMinute) {
  LoopSnapshot loop = loop_named();
  TopRows rows;
  auto& stalls = loop.stats.stalls[kTimersIndex][0].count;
  stalls = 2;
  EXPECT_EQ(rows.update(with(loop), {}, 100s)[0].stalls, 2U);
  for (int second = 101; second <= 159; ++second) {
    if (second == 130) stalls += 3;
    const auto now = rows.update(with(loop), {}, std::chrono::seconds(second));
    EXPECT_EQ(now[0].stalls, stalls) << second;
  }
  // The first two are older than a minute now.
  rows.update(with(loop), {}, 161s);
  EXPECT_EQ(rows.update(with(loop), {}, 162s)[0].stalls, 3U);
  EXPECT_EQ(rows.update(with(loop), {}, 250s)[0].stalls, 0U);
}

TEST(TopRows, StallsOfAllPhasesAndCausesCount) {
  LoopSnapshot loop = loop_named();
  loop.stats.stalls[kTimersIndex][0].count = 1;
  loop.stats.stalls[kTimersIndex][1].count = 1;
  loop.stats.stalls[kWaitIndex + 1][2].count = 1;
  EXPECT_EQ(TopRows().update(with(loop), {}, 100s)[0].stalls, 3U);
}

TEST(TopRows, TheP99LiesInItsBucketAndNeverAboveTheMaximum) {
  LoopSnapshot loop = loop_named();
  TopRows rows;
  rows.update(with(loop), {}, 100s);
  loop.stats.lag.counts = {980, 20, 0, 0};
  loop.stats.lag_max_1m = 90ms;
  // Rank 990: half way through the second bucket, 0.01 to 0.1.
  EXPECT_EQ(rows.update(with(loop), {}, 101s)[0].lag_p99, 55ms);
  loop.stats.lag_max_1m = 30ms;
  EXPECT_EQ(rows.update(with(loop), {}, 102s)[0].lag_p99, 30ms);
  loop.stats.lag.counts = {0, 0, 0, 5000};
  loop.stats.lag_max_1m = 7s;
  EXPECT_EQ(rows.update(with(loop), {}, 103s)[0].lag_p99, 7s);
}

TEST(TopRows, TheP99ForgetsWhatIsOlderThanAMinute) {
  LoopSnapshot loop = loop_named();
  TopRows rows;
  rows.update(with(loop), {}, 100s);
  loop.stats.lag.counts = {0, 0, 100, 0};
  loop.stats.lag_max_1m = 1s;
  EXPECT_GT(rows.update(with(loop), {}, 101s)[0].lag_p99, 100ms);
  loop.stats.lag.counts = {100, 0, 100, 0};
  EXPECT_LE(rows.update(with(loop), {}, 170s)[0].lag_p99, 10ms);
}

TEST(TopRows, ThePidOfAnotherProcessStartsAnew) {
  LoopSnapshot loop = loop_named();
  pass(loop, 9s, 1s);
  loop.stats.stalls[kTimersIndex][0].count = 5;
  TopRows rows;
  rows.update(with(loop), {}, 100s);
  LoopSnapshot other = loop_named();
  pass(other, 1s, 1s);
  other.stats.stalls[kTimersIndex][0].count = 1;
  const auto next = rows.update(with(other), {}, 101s);
  EXPECT_DOUBLE_EQ(next[0].utilization.value(), 0.5);
  EXPECT_EQ(next[0].stalls, 1U);
}

TEST(TopRows, AnEndedLoopIsForgotten) {
  LoopSnapshot loop = loop_named();
  pass(loop, 1s, 1s);
  TopRows rows;
  rows.update(with(loop), {}, 100s);
  EXPECT_TRUE(rows.update({}, {}, 101s).empty());
  EXPECT_DOUBLE_EQ(rows.update(with(loop), {}, 102s)[0].utilization.value(), 0.5);
}

TEST(TopRows, TheFullestListenerIsTheMainLoops) {
  Snapshot snapshot;
  snapshot.loops = {loop_named("main"), loop_named("worker-1"), loop_named("main", 8)};
  const LoopLabels labels{.process = "api", .pid = 7, .loop = "main", .extra = {}};
  snapshot.listeners.resize(3);
  for (auto& listener : snapshot.listeners) listener.labels = labels;
  snapshot.listeners[0].depth = 10;
  snapshot.listeners[0].limit = 511;
  snapshot.listeners[1].depth = 5;
  snapshot.listeners[1].limit = 8;
  snapshot.listeners[2].limit = 4096;
  const auto rows = TopRows().update(snapshot, {}, 100s);
  ASSERT_TRUE(rows[0].backlog.has_value());
  EXPECT_EQ(rows[0].backlog->depth, 5U);
  EXPECT_EQ(rows[0].backlog->limit, 8U);
  EXPECT_FALSE(rows[1].backlog.has_value());
  EXPECT_FALSE(rows[2].backlog.has_value());
}

StallRecord stall_of(const std::string& function, const std::string& loop = "main") {
  StallRecord stall;
  stall.process = "api";
  stall.pid = 7;
  stall.loop = loop;
  stall.phase = Phase::kTimers;
  stall.cause = Cause::kCpu;
  stall.function = function;
  stall.file = "/srv/a.js";
  stall.line = 3;
  return stall;
}

TEST(TopRows, TheLastStallIsTheNewestOfTheLoop) {
  const auto rows = TopRows().update(
      with(loop_named()), {stall_of("others", "worker-1"), stall_of("newer"), stall_of("older")},
      100s);
  EXPECT_EQ(rows[0].function, "newer");
  EXPECT_EQ(rows[0].file, "/srv/a.js");
  EXPECT_EQ(rows[0].line, 3);
  EXPECT_EQ(rows[0].why, "timers (cpu)");
}

TEST(TopRows, AStallOfAProcessThatHadThePidBeforeIsNotShown) {
  StallRecord stall = stall_of("compute");
  stall.process = "other";
  EXPECT_EQ(TopRows().update(with(loop_named()), {stall}, 100s)[0].function, "");
}

TEST(TopRows, WhatItWaitedForIsTheReason) {
  StallRecord stall = stall_of("");
  stall.detail = "read /tmp/fifo";
  EXPECT_EQ(TopRows().update(with(loop_named()), {stall}, 100s)[0].why, "read /tmp/fifo");
}

}  // namespace
}  // namespace loopscope
