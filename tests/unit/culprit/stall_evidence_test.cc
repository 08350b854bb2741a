#include "culprit/stall_evidence.h"

#include <gtest/gtest.h>

namespace loopscope {
namespace {

using namespace std::chrono_literals;

ResolvedStack naming(const std::string& function, int line = 1) {
  ResolvedStack stack;
  stack.function = function;
  stack.file = "/app.js";
  stack.line = line;
  return stack;
}

std::string name_at(const StallEvidence& evidence, Nanos now) {
  const ResolvedStack* culprit = evidence.culprit(now);
  return culprit == nullptr ? "nothing captured" : culprit->function;
}

TEST(StallEvidenceTest, NothingCapturedBlamesNobody) {
  const StallEvidence evidence(0ms);
  EXPECT_EQ(evidence.culprit(100ms), nullptr);
}

TEST(StallEvidenceTest, TheMajorityOfACaptureCounts) {
  StallEvidence evidence(0ms);
  const ResolvedStack* named =
      evidence.add_capture(50ms, {naming("a"), naming("b", 3), naming("b", 4)});
  ASSERT_NE(named, nullptr);
  EXPECT_EQ(named->function, "b");
  EXPECT_EQ(named->line, 4) << "the latest of them lends the line";
}

TEST(StallEvidenceTest, OneOfSeveralNamesNobody) {
  StallEvidence evidence(0ms);
  EXPECT_EQ(evidence.add_capture(50ms, {ResolvedStack{}, ResolvedStack{}, naming("a")}), nullptr);
  EXPECT_EQ(evidence.add_capture(60ms, {naming("a"), naming("b"), naming("c")}), nullptr);
}

TEST(StallEvidenceTest, WhereTheyBeginTellsFunctionsOfOneNameApart) {
  const auto anonymous = [](int line, int begins) {
    ResolvedStack stack = naming("<anonymous>", line);
    stack.frames = {{.kind = "js",
                     .function = stack.function,
                     .file = stack.file,
                     .line = line,
                     .function_line = begins}};
    return stack;
  };
  StallEvidence evidence(0ms);
  EXPECT_EQ(evidence.add_capture(50ms, {anonymous(4, 3), anonymous(9, 8), anonymous(21, 20)}),
            nullptr);
  const ResolvedStack* named =
      evidence.add_capture(60ms, {anonymous(4, 3), anonymous(9, 8), anonymous(11, 8)});
  ASSERT_NE(named, nullptr);
  EXPECT_EQ(named->line, 11);
}

TEST(StallEvidenceTest, UnnamedSamplesDoNotVote) {
  StallEvidence evidence(0ms);
  const ResolvedStack* named =
      evidence.add_capture(50ms, {ResolvedStack{}, naming("a"), naming("a")});
  ASSERT_NE(named, nullptr);
  EXPECT_EQ(named->function, "a");
}

TEST(StallEvidenceTest, AStackWithoutANameIsKeptUntilThereIsOne) {
  StallEvidence evidence(0ms);
  ResolvedStack unnamed;
  unnamed.detail = "read of a pipe";
  EXPECT_EQ(evidence.add_capture(50ms, {unnamed}), nullptr);
  ASSERT_NE(evidence.culprit(60ms), nullptr);
  EXPECT_EQ(evidence.culprit(60ms)->detail, "read of a pipe");
  evidence.add_capture(100ms, {naming("a")});
  EXPECT_EQ(name_at(evidence, 100ms), "a");
}

TEST(StallEvidenceTest, WhoWasSeenLongestIsTheCulprit) {
  StallEvidence evidence(0ms);
  evidence.add_capture(50ms, {naming("a")});   // a: 0-100
  evidence.add_capture(100ms, {naming("b")});  // b: 100-...
  EXPECT_EQ(name_at(evidence, 150ms), "a");
  EXPECT_EQ(name_at(evidence, 250ms), "b");
}

TEST(StallEvidenceTest, TimeBeforeTheFirstCaptureIsTheFirstFunctions) {
  StallEvidence evidence(0ms);
  evidence.add_capture(500ms, {naming("a")});
  evidence.add_capture(600ms, {naming("b")});
  EXPECT_EQ(name_at(evidence, 1000ms), "a") << "a: 600 ms, b: 400 ms";
}

TEST(StallEvidenceTest, AFunctionThatComesBackKeepsItsTime) {
  StallEvidence evidence(0ms);
  evidence.add_capture(50ms, {naming("a")});
  evidence.add_capture(100ms, {naming("b")});
  evidence.add_capture(190ms, {naming("a", 9)});
  EXPECT_EQ(name_at(evidence, 190ms), "a");
  EXPECT_EQ(evidence.culprit(190ms)->line, 1) << "100 ms there, none in line 9";
  EXPECT_EQ(evidence.culprit(300ms)->line, 9);
}

TEST(StallEvidenceTest, TheLineMostOfACaptureIsInCounts) {
  StallEvidence evidence(0ms);
  const ResolvedStack* named =
      evidence.add_capture(50ms, {naming("a", 5), naming("a", 5), naming("b", 9), naming("a", 4)});
  ASSERT_NE(named, nullptr);
  EXPECT_EQ(named->line, 5);
}

TEST(StallEvidenceTest, TheLineThatWasSeenLongestCounts) {
  StallEvidence evidence(0ms);
  evidence.add_capture(50ms, {naming("a", 5)});   // line 5: 0-100
  evidence.add_capture(100ms, {naming("a", 6)});  // line 6: 100-110
  evidence.add_capture(110ms, {naming("a", 5)});  // line 5: 110-200
  evidence.add_capture(200ms, {naming("a", 7)});  // line 7 from 200 on
  EXPECT_EQ(evidence.culprit(210ms)->line, 5);
  EXPECT_EQ(evidence.culprit(391ms)->line, 7);
}

TEST(StallEvidenceTest, ALineThatIsNotKnownIsNoneOfTheOthers) {
  StallEvidence evidence(0ms);
  evidence.add_capture(50ms, {naming("a", 0)});
  evidence.add_capture(100ms, {naming("a", 6)});
  EXPECT_EQ(evidence.culprit(110ms)->line, 0) << "of 100 ms nobody knows where they went";
}

TEST(StallEvidenceTest, ManyLinesTakeNoMoreThanTheirRoom) {
  StallEvidence evidence(0ms);
  evidence.add_capture(500ms, {naming("a", 1)});
  for (int i = 0; i < 1000; ++i) {
    evidence.add_capture(600ms + i * 1ms, {naming("a", 2 + i)});
    evidence.add_capture(600ms + i * 1ms, {naming("b", 2 + i)});
  }
  EXPECT_EQ(name_at(evidence, 1600ms), "b");
  EXPECT_EQ(evidence.culprit(1600ms)->line, 1001) << "it ran 1 ms longer than the others";
  evidence.add_capture(1600ms, {naming("a", 1)});
  evidence.add_capture(2600ms, {naming("a", 1)});
  EXPECT_EQ(evidence.culprit(2600ms)->line, 1) << "the longest is not forgotten";
}

TEST(StallEvidenceTest, ManyFunctionsTakeNoMoreThanTheirRoom) {
  StallEvidence evidence(0ms);
  for (int i = 0; i < 1000; ++i) {
    evidence.add_capture(i * 1ms + 1ms, {naming("f" + std::to_string(i))});
  }
  EXPECT_NE(name_at(evidence, 2000ms), "f999");
}

}  // namespace
}  // namespace loopscope
