#include "apps/loopscope/top/phase_bar.h"

#include <gtest/gtest.h>

namespace loopscope {
namespace {

using Shares = std::array<double, kPhaseCount>;

Shares shares(double timers, double wait, double poll, double check) {
  Shares out{};
  out[static_cast<std::size_t>(Phase::kTimers)] = timers;
  out[static_cast<std::size_t>(Phase::kPollWait)] = wait;
  out[static_cast<std::size_t>(Phase::kPoll)] = poll;
  out[static_cast<std::size_t>(Phase::kCheck)] = check;
  return out;
}

TEST(PhaseBar, LettersAreDealtByShareWithWaitingLast) {
  EXPECT_EQ(phase_bar(shares(0.25, 0.5, 0.25, 0), 8), "TTOO....");
  EXPECT_EQ(phase_bar(shares(1, 0, 0, 0), 4), "TTTT");
  EXPECT_EQ(phase_bar(shares(0, 1, 0, 0), 4), "....");
}

TEST(PhaseBar, SharesNeedNotSumToOne) { EXPECT_EQ(phase_bar(shares(2, 2, 0, 0), 4), "TT.."); }

TEST(PhaseBar, TheBarIsAlwaysFull) {
  EXPECT_EQ(phase_bar(shares(1, 1, 1, 0), 10).size(), 10U);
  EXPECT_EQ(phase_bar(shares(1, 1, 1, 1), 10).size(), 10U);
}

TEST(PhaseBar, ASmallShareShowsAndNothingDoesNot) {
  EXPECT_EQ(phase_bar(shares(0.01, 0.99, 0, 0), 10), "T.........");
  EXPECT_EQ(phase_bar(shares(0.001, 0.999, 0, 0), 10), "..........");
  EXPECT_EQ(phase_bar(shares(0.3, 0.4, 0.2, 0.1), 1), ".");  // no room for all
}

TEST(PhaseBar, WithoutTimeItIsBlank) {
  EXPECT_EQ(phase_bar({}, 5), "     ");
  EXPECT_EQ(phase_bar(shares(1, 0, 0, 0), 0), "");
}

TEST(PhaseBar, LettersLeadBackToPhases) {
  EXPECT_EQ(phase_of_letter('T'), Phase::kTimers);
  EXPECT_EQ(phase_of_letter('.'), Phase::kPollWait);
  EXPECT_EQ(phase_of_letter('?'), Phase::kUnknown);
}

}  // namespace
}  // namespace loopscope
