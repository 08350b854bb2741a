#include "core/monotone_totals.h"

#include <gtest/gtest.h>

#include <random>

namespace loopscope {
namespace {

using Totals = MonotoneTotals<3>;

TEST(MonotoneTotals, ShowsWhatIsSettled) {
  Totals totals;
  totals.add(0, 5);
  totals.add(2, 7);
  EXPECT_EQ(totals.publish(), (Totals::Cells{5, 0, 7}));
}

TEST(MonotoneTotals, ShowsWhatIsOpenUntilItSettles) {
  Totals totals;
  totals.set_open({3, 0, 0});
  EXPECT_EQ(totals.publish(), (Totals::Cells{3, 0, 0}));
  totals.clear_open();
  totals.add(0, 4);
  EXPECT_EQ(totals.publish(), (Totals::Cells{4, 0, 0}));
}

TEST(MonotoneTotals, WhatNobodySawMayMove) {
  Totals totals;
  totals.set_open({3, 0, 0});
  totals.set_open({0, 3, 0});
  EXPECT_EQ(totals.publish(), (Totals::Cells{0, 3, 0}));
}

TEST(MonotoneTotals, ACellThatWasShownTooMuchIsMadeUpForByTheNextAmounts) {
  Totals totals;
  totals.set_open({1, 0, 0});
  totals.publish();
  totals.clear_open();
  totals.add(1, 1);
  EXPECT_EQ(totals.publish(), (Totals::Cells{1, 0, 0})) << "the sum is right, nothing went down";
  totals.add(0, 1);
  EXPECT_EQ(totals.publish(), (Totals::Cells{1, 1, 0})) << "both are right again";
  totals.add(0, 1);
  EXPECT_EQ(totals.publish(), (Totals::Cells{2, 1, 0}));
}

TEST(MonotoneTotals, MakesUpWithinAGroupFirst) {
  MonotoneTotals<4, 2> totals;
  totals.set_open({0, 0, 1, 0});
  totals.publish();
  totals.clear_open();
  totals.add(3, 1);  // it belonged to the other cell of its group
  totals.add(0, 1);
  EXPECT_EQ(totals.publish(), (std::array<std::int64_t, 4>{1, 0, 1, 0}));
  totals.add(2, 1);
  EXPECT_EQ(totals.publish(), (std::array<std::int64_t, 4>{1, 0, 1, 1}));
}

TEST(MonotoneTotals, WaitsWhenTheSumWentDown) {
  Totals totals;
  totals.add(0, 10);
  totals.publish();
  totals.add(0, -4);
  EXPECT_EQ(totals.publish(), (Totals::Cells{10, 0, 0}));
  totals.add(1, 3);
  EXPECT_EQ(totals.publish(), (Totals::Cells{10, 0, 0}));
  totals.add(1, 3);
  EXPECT_EQ(totals.publish(), (Totals::Cells{10, 2, 0}));
}

TEST(MonotoneTotals, NeverGoDownAndKeepTheSum) {
  std::mt19937_64 random(11);
  Totals totals;
  Totals::Cells before = totals.publish();
  std::int64_t settled = 0;
  for (int i = 0; i < 10000; ++i) {
    const auto amount = static_cast<std::int64_t>(random() % 100);
    totals.add(random() % 3, amount);
    settled += amount;
    Totals::Cells open{};
    open[random() % 3] = static_cast<std::int64_t>(random() % 50);
    totals.set_open(open);
    if (random() % 2 == 0) totals.clear_open();
    if (random() % 3 != 0) continue;
    const Totals::Cells after = totals.publish();
    for (std::size_t cell = 0; cell < 3; ++cell) ASSERT_GE(after[cell], before[cell]);
    ASSERT_GE(after[0] + after[1] + after[2], settled);
    ASSERT_LE(after[0] + after[1] + after[2], settled + 50);
    before = after;
  }
}

}  // namespace
}  // namespace loopscope
