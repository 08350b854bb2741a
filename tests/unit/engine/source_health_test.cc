#include "engine/source_health.h"

#include <gtest/gtest.h>

namespace loopscope {
namespace {

const SourceProblem kDoubt{.source = "procfs", .reason = "a doubt", .is_failure = false};
const SourceProblem kRuledOut{.source = "procfs", .reason = "ruled out", .is_ruled_out = true};
const SourceProblem kFault{.source = "procfs", .reason = "a fault"};
const SourceProblem kEarly{.source = "procfs", .reason = "early", .is_early = true};

SourceSnapshot with(std::initializer_list<SourceProblem> problems) {
  SourceSnapshot source;
  int pid = 0;
  for (const SourceProblem& problem : problems) add_problem(source, ++pid, problem);
  return source;
}

void expect(const SourceSnapshot& source, bool success, bool permitted, const char* reason) {
  EXPECT_EQ(source.success, success);
  EXPECT_EQ(source.permitted, permitted);
  EXPECT_EQ(source.reason, reason);
}

TEST(SourceHealth, OneProblem) {
  expect(with({}), true, true, "");
  expect(with({kEarly}), true, true, "");
  expect(with({kDoubt}), true, true, "pid 1: a doubt");
  expect(with({kRuledOut}), false, false, "pid 1: ruled out");
  expect(with({kFault}), false, true, "pid 1: a fault");
}

TEST(SourceHealth, TheWorstIsShown) {
  expect(with({kDoubt, kRuledOut, kDoubt}), false, false, "pid 2: ruled out");
  expect(with({kRuledOut, kFault, kRuledOut}), false, true, "pid 2: a fault");
  expect(with({kFault, kRuledOut}), false, true, "pid 1: a fault");
  expect(with({kDoubt, kFault, kEarly}), false, true, "pid 2: a fault");
}

TEST(SourceHealth, OfEqualsTheFirst) {
  expect(with({kDoubt, kDoubt}), true, true, "pid 1: a doubt");
  expect(with({kRuledOut, kRuledOut}), false, false, "pid 1: ruled out");
  expect(with({kFault, kFault}), false, true, "pid 1: a fault");
}

}  // namespace
}  // namespace loopscope
