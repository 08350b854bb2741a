#include "culprit/v8/v8_versions.h"

#include <gtest/gtest.h>

namespace loopscope {
namespace {

TEST(V8Versions, KnowsEveryMajorFrom18On) {
  for (int major = 18; major <= 26; ++major) {
    const auto facts = facts_of_version("v" + std::to_string(major) + ".1.0");
    ASSERT_TRUE(facts) << major;
    EXPECT_EQ(facts->major, major);
    EXPECT_FALSE(facts->is_assumed);
    EXPECT_NE(facts->self, 0);
    EXPECT_NE(facts->state, 0);
  }
}

TEST(V8Versions, RefusesOlderOnesAndNone) {
  for (const char* version : {"16.20.2", "v14.21.3", "0.12.0", "", "x", "v"}) {
    EXPECT_FALSE(facts_of_version(version)) << version;
  }
}

TEST(V8Versions, TakesNothingOfALaterOneForKnownThatTheImageCanTell) {
  const auto facts = facts_of_version("31.0.0");
  ASSERT_TRUE(facts);
  EXPECT_EQ(facts->major, 31);
  EXPECT_TRUE(facts->is_assumed);
  EXPECT_EQ(facts->c_entry_fp, 0);
  EXPECT_EQ(facts->self, 0);
  EXPECT_EQ(facts->state, 0);
  EXPECT_EQ(facts->code_positions, facts_of_version("26.0.0")->code_positions);
}

}  // namespace
}  // namespace loopscope
