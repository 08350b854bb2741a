#include "base/name_pattern.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace loopscope {
namespace {

NamePattern pattern(std::string_view text) {
  auto result = NamePattern::compile(text);
  EXPECT_TRUE(result.ok()) << result.error().message;
  return *std::move(result);
}

std::string refusal_of_pattern(std::string_view text) {
  const auto result = NamePattern::compile(text);
  return result ? "accepted" : result.error().message;
}

TEST(NamePattern, IsFoundAnywhereUnlessAnchored) {
  EXPECT_TRUE(pattern("node").matches("node"));
  EXPECT_TRUE(pattern("node").matches("/usr/bin/node server.js"));
  EXPECT_FALSE(pattern("^node$").matches("nodemon"));
  EXPECT_TRUE(pattern("^node$").matches("node"));
  EXPECT_FALSE(pattern("Node").matches("node"));
}

TEST(NamePattern, KnowsExtendedSyntax) {
  EXPECT_TRUE(pattern("api-(blue|green)").matches("node api-green.js"));
  EXPECT_FALSE(pattern("api-(blue|green)").matches("node api-red.js"));
  EXPECT_TRUE(pattern("[0-9]{1,3}(\\.[0-9]{1,3}){3}").matches("--host 10.0.0.1"));
  EXPECT_TRUE(pattern("server\\.js").matches("node server.js"));
  EXPECT_FALSE(pattern("server\\.js").matches("node server_js"));
  EXPECT_TRUE(pattern("^[[:alpha:]]+-worker+$").matches("queue-worker"));
}

TEST(NamePattern, SaysWhyItCannotBeUsed) {
  EXPECT_EQ(refusal_of_pattern("api-("), "\"api-(\" is not a usable pattern: Unmatched ( or \\(");
  EXPECT_EQ(refusal_of_pattern("[a"),
            "\"[a\" is not a usable pattern: Unmatched [, [^, [:, [., or [=");
  EXPECT_EQ(refusal_of_pattern(""),
            "\"\" is not a usable pattern: it is empty and would match everything");
  EXPECT_EQ(refusal_of_pattern("(a)\\1"),
            R"("(a)\\1" is not a usable pattern: back-references are not supported)");
  EXPECT_NE(refusal_of_pattern("a\nb").find("control characters"), std::string::npos);
  EXPECT_NE(refusal_of_pattern(std::string_view("a\0b", 3)).find("control characters"),
            std::string::npos);
  EXPECT_EQ(refusal_of_pattern(std::string(256, 'a')), "accepted");
  EXPECT_NE(refusal_of_pattern(std::string(257, 'a')).find("longer than 256 bytes"),
            std::string::npos);
}

TEST(NamePattern, RefusesWhatWouldExhaustMemory) {
  for (std::string_view text :
       {"((a{1,255}){1,255}){1,255}", "a{1000}", "a{20}{20}{20}", "(((((((((a+)+)+)+)+)+)+)+)+)+",
        "a+++++++++++", "a{99999999999}"}) {
    EXPECT_NE(refusal_of_pattern(text).find("nested repetitions"), std::string::npos) << text;
  }
  EXPECT_EQ(refusal_of_pattern("a+b+c+d+e+f+g+h+i+j+k+l+m+n+"), "accepted");
}

TEST(NamePattern, CostStaysBoundedForAwkwardPatterns) {
  const std::string subject(100'000, 'a');
  EXPECT_FALSE(pattern("(a|aa|aaa|a?)*b$").matches(subject));
  EXPECT_FALSE(pattern("(a*)*(a*)*(a*)*b$").matches(subject));
  EXPECT_FALSE(pattern(std::string(60, '(') + "a" + std::string(60, ')') + "b").matches(subject));
  EXPECT_FALSE(pattern("((a+)+)+b$").matches(subject));
}

TEST(NamePattern, LooksAtABoundedPartOfTheSubject) {
  const std::string filler(NamePattern::kMaxSubjectBytes - 1, ' ');
  EXPECT_TRUE(pattern("x").matches(filler + "x"));
  EXPECT_FALSE(pattern("x").matches(filler + " x"));
  EXPECT_FALSE(pattern("x").matches(std::string_view("a\0x", 3)));
  EXPECT_TRUE(pattern("\xff").matches("a\xff"));
}

TEST(NamePattern, CopiesShareAndCompareByText) {
  NamePattern copy = pattern("a");
  {
    const NamePattern original = pattern("node");
    copy = original;
    EXPECT_EQ(copy, original);
  }
  EXPECT_TRUE(copy.matches("node"));
  EXPECT_EQ(copy.text(), "node");
  EXPECT_FALSE(copy == pattern("deno"));
}

TEST(NamePattern, AnyPatternIsRefusedOrMatchedInTime) {
  constexpr std::string_view kAlphabet = "ab()[]{}*+?|\\^$.,0123456789-:=";
  std::mt19937 random(7);
  const auto text = [&](std::size_t length) {
    std::string out(length, ' ');
    std::generate(out.begin(), out.end(), [&] { return kAlphabet[random() % kAlphabet.size()]; });
    return out;
  };
  int compiled = 0;
  for (int i = 0; i < 3000; ++i) {
    const auto result = NamePattern::compile(text(1 + random() % 40));
    if (!result) continue;
    ++compiled;
    result->matches(text(200));
  }
  EXPECT_GT(compiled, 100);
}

}  // namespace
}  // namespace loopscope
