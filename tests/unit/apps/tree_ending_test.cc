#include "apps/loopscope/tree_ending.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <thread>

#include "apps/loopscope/started_program.h"
#include "base/clock.h"

namespace loopscope {
namespace {

using namespace std::chrono_literals;

/// A shell that runs `script`, and what it starts. Time is the test's.
class TreeEndingTest : public testing::Test {
 protected:
  void start(const std::string& script) {
    auto started = StartedProgram::start({"sh", "-c", script}, StartedProgram::Streams::kNone);
    ASSERT_TRUE(started.ok()) << started.error().message;
    child_.emplace(std::move(*started));
  }
  bool comes_true(const std::function<bool()>& condition) {
    const auto deadline = std::chrono::steady_clock::now() + 20s;
    while (std::chrono::steady_clock::now() < deadline) {
      child_->reap();
      if (condition()) return true;
      std::this_thread::sleep_for(5ms);
    }
    return false;
  }
  bool runs(const std::string& name) const {
    const auto living = tree_.living();
    return std::ranges::any_of(living, [&](const auto& one) { return one.name == name; });
  }

  const ProcessTree tree_ = ProcessTree::take_over();
  std::optional<StartedProgram> child_;
};

TEST_F(TreeEndingTest, AParentIsAskedFirstAndOthersOnceItHadItsTime) {
  start("trap 'asked=yes' TERM; sleep 300 & while [ -z \"$asked\" ]; do wait; done; wait");
  ASSERT_TRUE(comes_true([&] { return runs("sleep"); }));
  TreeEnding ending(tree_, TreeEnding::AskedBy::kUs, 0s);
  EXPECT_TRUE(ending.step(0s));
  EXPECT_TRUE(ending.step(TreeEnding::kParentsPatience - 1ms));
  std::this_thread::sleep_for(50ms);
  EXPECT_TRUE(runs("sleep")) << "that is its parent's business yet";
  EXPECT_TRUE(ending.step(TreeEnding::kParentsPatience));
  EXPECT_TRUE(comes_true([&] { return child_->has_finished(); }));
  EXPECT_FALSE(ending.step(TreeEnding::kParentsPatience + 1ms));
  EXPECT_TRUE(ending.killed().empty());
}

TEST_F(TreeEndingTest, AnOrphanIsAskedAtOnce) {
  start("sleep 300 & exit 7");
  ASSERT_TRUE(comes_true([&] { return child_->exit_status() && runs("sleep"); }));
  EXPECT_EQ(child_->exit_status(), 7);
  EXPECT_FALSE(child_->has_finished());
  EXPECT_NE(child_->living_names().find("sleep (pid "), std::string::npos);
  TreeEnding ending(tree_, TreeEnding::AskedBy::kUs, 0s);
  EXPECT_TRUE(ending.step(0s));
  EXPECT_TRUE(comes_true([&] { return child_->has_finished(); }));
  EXPECT_EQ(child_->exit_status(), 7);
}

TEST_F(TreeEndingTest, WhatDoesNotListenIsKilled) {
  start("trap '' TERM; while :; do sleep 1; done");
  ASSERT_TRUE(comes_true([&] { return ignores_signal(child_->pid(), SIGTERM); }));
  TreeEnding ending(tree_, TreeEnding::AskedBy::kUs, 0s);
  EXPECT_TRUE(ending.step(0s));
  EXPECT_TRUE(ending.step(TreeEnding::kPatience - 1ms));
  EXPECT_FALSE(child_->exit_status());
  EXPECT_TRUE(ending.step(TreeEnding::kPatience));
  EXPECT_TRUE(comes_true([&] {
    ending.step(TreeEnding::kPatience);
    return child_->has_finished();
  }));
  EXPECT_EQ(child_->exit_status(), 128 + SIGKILL);
  ASSERT_FALSE(ending.killed().empty());
  EXPECT_EQ(ending.killed().front().id.pid, child_->pid());
}

TEST_F(TreeEndingTest, WhatTheTerminalHasAskedIsAskedAgainOnlyIfTheUserInsists) {
  start("trap : INT; sleep 300; true");
  ASSERT_TRUE(comes_true([&] { return runs("sleep"); }));
  TreeEnding ending(tree_, TreeEnding::AskedBy::kTerminal, 0s);
  EXPECT_TRUE(ending.step(TreeEnding::kPatience - 1ms));
  std::this_thread::sleep_for(50ms);
  EXPECT_TRUE(runs("sleep"));
  ending.hurry(1s);
  EXPECT_TRUE(ending.step(1s));
  EXPECT_TRUE(comes_true([&] { return child_->has_finished(); }));
}

TEST_F(TreeEndingTest, InsistingTwiceKills) {
  start("trap '' TERM; while :; do sleep 1; done");
  ASSERT_TRUE(comes_true([&] { return ignores_signal(child_->pid(), SIGTERM); }));
  TreeEnding ending(tree_, TreeEnding::AskedBy::kTerminal, 0s);
  ending.hurry(1s);
  ending.hurry(2s);
  EXPECT_TRUE(comes_true([&] {
    ending.step(2s);
    return child_->has_finished();
  }));
}

TEST_F(TreeEndingTest, ADestroyedChildLeavesNothing) {
  start("sleep 300 & sleep 301 & wait");
  ASSERT_TRUE(comes_true([&] { return tree_.living().size() == 3; }));
  child_.reset();
  EXPECT_TRUE(tree_.is_empty());
}

}  // namespace
}  // namespace loopscope
