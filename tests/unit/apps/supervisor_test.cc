#include "apps/loopscope/supervisor.h"

#include <gtest/gtest.h>

#include <vector>

namespace loopscope {
namespace {

std::optional<LogFormat> wanted(std::vector<const char*> words) {
  words.insert(words.begin(), "loopscope");
  return Supervisor::wanted(words);
}

TEST(Supervisor, IsWantedByTheFlagOfRunAlone) {
  EXPECT_EQ(wanted({"run", "--supervise"}), LogFormat::kText);
  EXPECT_EQ(wanted({"run", "--pid", "1", "--supervise", "--no-such-flag"}), LogFormat::kText);
  EXPECT_EQ(wanted({"run", "--pid", "1"}), std::nullopt);
  EXPECT_EQ(wanted({"top", "--supervise"}), std::nullopt);
  EXPECT_EQ(wanted({"--supervise"}), std::nullopt);
  EXPECT_EQ(wanted({}), std::nullopt);
}

TEST(Supervisor, IsNotWantedForACommand) {
  EXPECT_EQ(wanted({"run", "--supervise", "--", "node"}), std::nullopt);
  EXPECT_EQ(wanted({"run", "--", "node", "--supervise"}), std::nullopt);
}

TEST(Supervisor, KnowsTheFormatOfTheFlags) {
  EXPECT_EQ(wanted({"run", "--supervise", "--log-format", "json"}), LogFormat::kJson);
  EXPECT_EQ(wanted({"run", "--log-format=json", "--supervise"}), LogFormat::kJson);
  EXPECT_EQ(wanted({"run", "--supervise", "--log-format", "text"}), LogFormat::kText);
  EXPECT_EQ(wanted({"run", "--supervise", "--log-format", "--name", "json"}), LogFormat::kText);
}

}  // namespace
}  // namespace loopscope
