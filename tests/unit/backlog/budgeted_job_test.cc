#include "backlog/budgeted_job.h"

#include <gtest/gtest.h>

namespace loopscope {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(BudgetedJob, IsDueAtOnceThenEveryInterval) {
  BudgetedJob job(seconds(1));
  EXPECT_TRUE(job.due(seconds(100), false));
  job.ran(seconds(100), seconds(100) + milliseconds(1));
  EXPECT_EQ(job.last_cost(), milliseconds(1));
  EXPECT_FALSE(job.due(seconds(101), false));
  EXPECT_TRUE(job.due(seconds(101) + milliseconds(1), false));
}

TEST(BudgetedJob, UrgencyShortensTheIntervalButNotTheBudget) {
  BudgetedJob job(seconds(1));
  job.ran(seconds(100), seconds(100) + milliseconds(1));
  EXPECT_FALSE(job.due(seconds(100) + milliseconds(200), true));
  EXPECT_TRUE(job.due(seconds(100) + milliseconds(201), true));
}

TEST(BudgetedJob, ACostlyJobBacksOff) {
  BudgetedJob job(seconds(5));
  job.ran(seconds(100), seconds(100) + milliseconds(55));
  EXPECT_FALSE(job.due(seconds(110), false));
  EXPECT_TRUE(job.due(seconds(100) + milliseconds(55) + seconds(11), false));
}

}  // namespace
}  // namespace loopscope
