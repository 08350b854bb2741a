#include "core/stall_tracker.h"

#include <gmock/gmock.h>

namespace loopscope {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;

struct Recorder final : StallListener {
  void on_stall_looms() override { warnings.push_back("looms"); }
  void on_stall_averted() override { warnings.push_back("averted"); }
  void on_stall_started(const StallEvent& stall) override { note("start", stall); }
  void on_stall_progress(const StallEvent& stall) override { note("progress", stall); }
  void on_stall_ended(const StallEvent& stall) override { note("end", stall); }
  void note(const char* what, const StallEvent& stall) {
    calls.push_back(what + std::string(" ") + std::to_string(stall.duration / 1ms) + " " +
                    std::string(to_string(stall.phase)) + " " +
                    std::string(to_string(stall.cause)));
  }
  std::vector<std::string> calls;
  std::vector<std::string> warnings;
};

BusyPeriod period(Nanos duration, Phase phase, Cause cause) {
  BusyPeriod result{.start = 100s, .duration = duration, .phases = {}, .causes = {}};
  result.phases[index_of(phase)] = duration;
  result.causes[index_of(cause)] = duration;
  return result;
}

class StallTrackerTest : public ::testing::Test {
 protected:
  StallTotals totals(Phase phase, Cause cause) {
    return stats_.snapshot(100s).stalls[index_of(phase)][index_of(cause)];
  }

  LoopStats stats_;
  Recorder recorder_;
  StallTracker stalls_{stats_, 50ms, &recorder_};
};

TEST_F(StallTrackerTest, ShortPeriodsAreNone) {
  stalls_.on_busy(period(49ms, Phase::kPoll, Cause::kCpu));
  stalls_.on_busy_end(period(49ms, Phase::kPoll, Cause::kCpu));
  EXPECT_TRUE(recorder_.calls.empty());
  EXPECT_EQ(stats_.snapshot(100s).stall_duration.count, 0u);
}

TEST_F(StallTrackerTest, APeriodOnItsWayToTheThresholdIsToldOfOnce) {
  stalls_.on_busy(period(20ms, Phase::kPoll, Cause::kCpu));
  EXPECT_THAT(recorder_.warnings, ElementsAre());
  stalls_.on_busy(period(26ms, Phase::kPoll, Cause::kCpu));
  stalls_.on_busy(period(40ms, Phase::kPoll, Cause::kCpu));
  EXPECT_THAT(recorder_.warnings, ElementsAre("looms"));
  stalls_.on_busy(period(50ms, Phase::kPoll, Cause::kCpu));
  stalls_.on_busy_end(period(60ms, Phase::kPoll, Cause::kCpu));
  EXPECT_THAT(recorder_.warnings, ElementsAre("looms"));
  EXPECT_EQ(recorder_.calls.size(), 2u);
}

TEST_F(StallTrackerTest, WhatLoomedAndWasNoneIsTakenBack) {
  stalls_.on_busy(period(26ms, Phase::kPoll, Cause::kCpu));
  stalls_.on_busy_end(period(30ms, Phase::kPoll, Cause::kCpu));
  EXPECT_THAT(recorder_.warnings, ElementsAre("looms", "averted"));
  stalls_.on_busy(period(45ms, Phase::kPoll, Cause::kCpu));
  stalls_.on_short_end(45ms, 100s);
  EXPECT_THAT(recorder_.warnings, ElementsAre("looms", "averted", "looms", "averted"));
  stalls_.on_busy_end(period(10ms, Phase::kPoll, Cause::kCpu));
  EXPECT_EQ(recorder_.warnings.size(), 4u);
  EXPECT_TRUE(recorder_.calls.empty());
}

TEST_F(StallTrackerTest, IsCountedAndGrowsWhileItLasts) {
  stalls_.on_busy(period(50ms, Phase::kPoll, Cause::kCpu));
  EXPECT_EQ(totals(Phase::kPoll, Cause::kCpu).count, 1u);
  EXPECT_EQ(totals(Phase::kPoll, Cause::kCpu).time, Nanos(50ms));
  stalls_.on_busy(period(70ms, Phase::kPoll, Cause::kCpu));
  EXPECT_EQ(totals(Phase::kPoll, Cause::kCpu).count, 1u);
  EXPECT_EQ(totals(Phase::kPoll, Cause::kCpu).time, Nanos(70ms));
  EXPECT_EQ(stats_.snapshot(100s).stall_duration.count, 0u);
  stalls_.on_busy_end(period(80ms, Phase::kPoll, Cause::kCpu));
  EXPECT_EQ(totals(Phase::kPoll, Cause::kCpu).count, 1u);
  EXPECT_EQ(totals(Phase::kPoll, Cause::kCpu).time, Nanos(80ms));
  EXPECT_EQ(stats_.snapshot(100s).stall_duration.count, 1u);
  EXPECT_THAT(recorder_.calls,
              ElementsAre("start 50 poll cpu", "progress 70 poll cpu", "end 80 poll cpu"));
}

TEST_F(StallTrackerTest, OneSeenOnlyAtItsEndStartsAndEnds) {
  stalls_.on_busy_end(period(80ms, Phase::kCheck, Cause::kBlocked));
  EXPECT_THAT(recorder_.calls, ElementsAre("start 80 check blocked", "end 80 check blocked"));
}

TEST_F(StallTrackerTest, SecondsAreSplitOverCauses) {
  BusyPeriod mixed = period(100ms, Phase::kPoll, Cause::kCpu);
  mixed.causes[index_of(Cause::kCpu)] = 70ms;
  mixed.causes[index_of(Cause::kStarved)] = 30ms;
  stalls_.on_busy_end(mixed);
  EXPECT_EQ(totals(Phase::kPoll, Cause::kCpu).count, 1u);
  EXPECT_EQ(totals(Phase::kPoll, Cause::kCpu).time, Nanos(70ms));
  EXPECT_EQ(totals(Phase::kPoll, Cause::kStarved).count, 0u);
  EXPECT_EQ(totals(Phase::kPoll, Cause::kStarved).time, Nanos(30ms));
}

TEST_F(StallTrackerTest, LabelsMayChangeWhileNobodyHasSeenThem) {
  stalls_.on_busy(period(50ms, Phase::kPoll, Cause::kBlocked));
  stalls_.on_busy_end(period(200ms, Phase::kCheck, Cause::kCpu));
  EXPECT_EQ(totals(Phase::kPoll, Cause::kBlocked).count, 0u);
  EXPECT_EQ(totals(Phase::kCheck, Cause::kCpu).count, 1u);
}

TEST_F(StallTrackerTest, WhatWasShownNeverGoesDownAndIsMadeUpFor) {
  stalls_.on_busy(period(50ms, Phase::kPoll, Cause::kCpu));
  EXPECT_EQ(totals(Phase::kPoll, Cause::kCpu).count, 1u);
  stalls_.on_busy_end(period(200ms, Phase::kCheck, Cause::kCpu));
  EXPECT_EQ(totals(Phase::kPoll, Cause::kCpu).count, 1u);
  EXPECT_EQ(totals(Phase::kCheck, Cause::kCpu).count, 0u);
  EXPECT_EQ(totals(Phase::kPoll, Cause::kCpu).time + totals(Phase::kCheck, Cause::kCpu).time,
            Nanos(200ms));
  stalls_.on_busy_end(period(100ms, Phase::kPoll, Cause::kCpu));
  EXPECT_EQ(totals(Phase::kPoll, Cause::kCpu).count, 1u);
  EXPECT_EQ(totals(Phase::kCheck, Cause::kCpu).count, 1u);
  EXPECT_EQ(totals(Phase::kPoll, Cause::kCpu).time, Nanos(100ms));
  EXPECT_EQ(totals(Phase::kCheck, Cause::kCpu).time, Nanos(200ms));
}

TEST_F(StallTrackerTest, OnceOverTheThresholdItStaysAStall) {
  stalls_.on_busy(period(51ms, Phase::kPoll, Cause::kCpu));
  stalls_.on_busy_end(period(49ms, Phase::kPoll, Cause::kCpu));
  EXPECT_EQ(totals(Phase::kPoll, Cause::kCpu).count, 1u);
  EXPECT_FALSE(stalls_.in_progress());
}

TEST_F(StallTrackerTest, TheThresholdMayChange) {
  stalls_.set_threshold(10ms);
  stalls_.on_busy_end(period(12ms, Phase::kPoll, Cause::kCpu));
  stalls_.set_threshold(1s);
  stalls_.on_busy_end(period(900ms, Phase::kPoll, Cause::kCpu));
  EXPECT_EQ(totals(Phase::kPoll, Cause::kCpu).count, 1u);
}

}  // namespace
}  // namespace loopscope
