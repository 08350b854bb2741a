#include "sources/uv_stack/uv_turn_evidence.h"

#include <gtest/gtest.h>

namespace loopscope {
namespace {

TEST(UvTurnEvidence, OneLongCallbackIsOneTurn) {
  UvTurnEvidence evidence;
  const auto turn = evidence.observe(Phase::kPoll, 100, 101);
  for (int look = 0; look < 50; ++look) EXPECT_EQ(evidence.observe(Phase::kPoll, 100, 101), turn);
}

TEST(UvTurnEvidence, AnotherPollIsAnotherTurn) {
  UvTurnEvidence evidence;
  const auto turn = evidence.observe(Phase::kPoll, 100, 101);
  EXPECT_NE(evidence.observe(Phase::kPoll, 104, 105), turn);
}

TEST(UvTurnEvidence, ACallbackThatRefreshesTheClockStaysInItsTurn) {
  UvTurnEvidence evidence;
  const auto turn = evidence.observe(Phase::kPoll, 100, 101);
  EXPECT_EQ(evidence.observe(Phase::kPoll, 100, 150), turn);
}

TEST(UvTurnEvidence, WithoutThePollsCopyTheLoopsClockServes) {
  UvTurnEvidence evidence;
  const auto turn = evidence.observe(Phase::kPoll, std::nullopt, 101);
  EXPECT_EQ(evidence.observe(Phase::kPoll, std::nullopt, 101), turn);
  EXPECT_NE(evidence.observe(Phase::kPoll, std::nullopt, 105), turn);
}

TEST(UvTurnEvidence, PhasesGoForwardWithinATurnAndBackOnlyInTheNext) {
  UvTurnEvidence evidence;
  const auto turn = evidence.observe(Phase::kPoll, 100, 101);
  EXPECT_EQ(evidence.observe(Phase::kCheck, 100, 101), turn);
  EXPECT_EQ(evidence.observe(Phase::kTimers, 100, 120), turn);
  EXPECT_NE(evidence.observe(Phase::kCheck, 120, 121), turn);
}

TEST(UvTurnEvidence, TimersThatFireAgainAndAgainAreTurns) {
  UvTurnEvidence evidence;
  const auto turn = evidence.observe(Phase::kTimers, 100, 100);
  EXPECT_EQ(evidence.observe(Phase::kTimers, 100, 100), turn);
  EXPECT_NE(evidence.observe(Phase::kTimers, 105, 106), turn);
}

}  // namespace
}  // namespace loopscope
