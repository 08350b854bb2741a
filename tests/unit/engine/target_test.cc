#include "engine/target.h"

#include <gtest/gtest.h>

namespace loopscope {
namespace {

TargetFacts facts_of(const std::string& name, std::uint64_t exec_mark) {
  TargetFacts facts;
  facts.labels.process = name;
  facts.process.id = {.pid = 7, .start_time = 1};
  facts.process.exec_mark = exec_mark;
  facts.process.program.name = name;
  facts.process.runtime.version = "22.0.0";
  return facts;
}

TEST(Target, WhoHoldsItsLabelsSeesThemChange) {
  Target target(facts_of("shop", 1));
  const auto labels = target.labels();
  EXPECT_EQ(labels->get().process, "shop");
  TargetFacts renamed = facts_of("shop", 1);
  renamed.labels.process = "checkout";
  renamed.port_hint = 80;
  target.update(renamed);
  EXPECT_EQ(labels->get().process, "checkout");
  EXPECT_EQ(target.facts().labels.process, "checkout");
  EXPECT_EQ(target.facts().port_hint, 80);
}

TEST(Target, IsAnotherProgramAfterAnExec) {
  const Target target(facts_of("shop", 1));
  EXPECT_FALSE(target.has_become_another(facts_of("shop", 1).process));
  EXPECT_TRUE(target.has_become_another(facts_of("shop", 2).process));
  EXPECT_TRUE(target.has_become_another(facts_of("other", 1).process));
  FoundProcess newer = facts_of("shop", 1).process;
  newer.runtime.version = "24.0.0";
  EXPECT_TRUE(target.has_become_another(newer));
}

TEST(Target, IsAnotherProgramIfItWasMetAmidAnExec) {
  EXPECT_TRUE(Target(facts_of("shop", 0)).has_become_another(facts_of("shop", 2).process));
}

TEST(Target, AMarkThatIsNotKnownNowOrAVersionThatWasNotSaysNothing) {
  EXPECT_FALSE(Target(facts_of("shop", 2)).has_become_another(facts_of("shop", 0).process));
  TargetFacts unread = facts_of("shop", 1);
  unread.process.runtime.version.clear();
  EXPECT_FALSE(Target(unread).has_become_another(facts_of("shop", 1).process));
}

}  // namespace
}  // namespace loopscope
