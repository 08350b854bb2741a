#include "config/suggestion.h"

#include <gtest/gtest.h>

#include <vector>

namespace loopscope {
namespace {

std::string suggest(std::string_view word, const std::vector<std::string_view>& known) {
  return did_you_mean(word, known);
}

TEST(Suggestion, NamesTheNearestWord) {
  EXPECT_EQ(suggest("lisen", {"listen", "labels"}), "; did you mean listen?");
  EXPECT_EQ(suggest("stall-threshold", {"stall_threshold"}), "; did you mean stall_threshold?");
  EXPECT_EQ(suggest("prot", {"process", "port"}), "");
  EXPECT_EQ(suggest("prt", {"process", "port"}), "; did you mean port?");
}

TEST(Suggestion, StaysSilentWhenNothingIsNear) {
  EXPECT_EQ(suggest("banana", {"listen", "labels"}), "");
  EXPECT_EQ(suggest("", {"pid"}), "");
  EXPECT_EQ(suggest("listen", {}), "");
  EXPECT_EQ(suggest(std::string(100'000, 'x'), {"listen"}), "");
}

}  // namespace
}  // namespace loopscope
