#include "target/program_arguments.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace loopscope {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::string_view bytes(const char* text, std::size_t size) { return {text, size}; }

TEST(ProgramArguments, AreWhatTheProgramWasStartedWith) {
  const auto read = parse_arguments(bytes("node\0--flag\0/srv/my app.js\0", 27));
  EXPECT_THAT(read.values, ElementsAre("node", "--flag", "/srv/my app.js"));
  EXPECT_FALSE(read.is_rewritten);
}

TEST(ProgramArguments, OneAloneIsNoTitle) {
  const auto read = parse_arguments(bytes("node\0", 5));
  EXPECT_THAT(read.values, ElementsAre("node"));
  EXPECT_FALSE(read.is_rewritten);
}

TEST(ProgramArguments, EmptyOnesCount) {
  const auto read = parse_arguments(bytes("app\0\0x\0", 7));
  EXPECT_THAT(read.values, ElementsAre("app", "", "x"));
  EXPECT_FALSE(read.is_rewritten);
}

TEST(ProgramArguments, TitleIsFollowedByZeros) {
  const auto read = parse_arguments(bytes("checkout-api (v2)\0\0\0\0\0\0", 23));
  EXPECT_TRUE(read.is_rewritten);
  EXPECT_THAT(read.values, ElementsAre("checkout-api (v2)"));
}

TEST(ProgramArguments, TitleThatFillsAllHasNoEnd) {
  EXPECT_TRUE(parse_arguments("nginx: master process").is_rewritten);
}

TEST(ProgramArguments, NoneOfAKernelThread) {
  EXPECT_THAT(parse_arguments("").values, IsEmpty());
  EXPECT_FALSE(parse_arguments("").is_rewritten);
  EXPECT_THAT(parse_arguments(bytes("\0\0\0", 3)).values, IsEmpty());
}

TEST(ProgramArguments, ManyAreCutOff) {
  std::string many;
  for (int i = 0; i < 5000; ++i) many.append("a").push_back('\0');
  const auto read = parse_arguments(many);
  EXPECT_LE(read.values.size(), 1024U);
  EXPECT_FALSE(read.is_rewritten);
}

}  // namespace
}  // namespace loopscope
