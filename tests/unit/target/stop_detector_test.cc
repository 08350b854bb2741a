#include "target/stop_detector.h"

#include <gtest/gtest.h>

#include <csignal>

#include "support/test_cgroup.h"

namespace loopscope {
namespace {

using namespace std::chrono_literals;

/// A child asleep in a read until it is told something.
ChildProcess sleeping_child() {
  return ChildProcess([](const ChildProcess::Channel& parent) {
    parent.say('r');
    parent.hear();
  });
}

TEST(StopDetector, SeesSignalsStopAndContinue) {
  const ChildProcess child = sleeping_child();
  ASSERT_EQ(child.hear(), 'r');
  auto counters = ThreadCounters::open(child.pid(), child.pid());
  ASSERT_TRUE(counters);
  StopDetector detector;
  EXPECT_FALSE(detector.is_stopped(*counters, 0s)) << "asleep is not stopped";
  ::kill(child.pid(), SIGSTOP);
  EXPECT_TRUE(eventually([&] { return detector.is_stopped(*counters, 0s); }));
  ::kill(child.pid(), SIGCONT);
  EXPECT_TRUE(eventually([&] { return !detector.is_stopped(*counters, 0s); }));
}

TEST(StopDetector, FollowsAProcessIntoAFrozenGroup) {
  bool tried = false;
  for (const bool is_version2 : {false, true}) {
    SCOPED_TRACE(is_version2 ? "version 2" : "version 1");
    const auto group = TestCgroup::make("freezer", is_version2);
    if (!group) continue;
    tried = true;
    const ChildProcess child = sleeping_child();
    ASSERT_EQ(child.hear(), 'r');
    auto counters = ThreadCounters::open(child.pid(), child.pid());
    ASSERT_TRUE(counters);
    StopDetector detector;
    EXPECT_FALSE(detector.is_stopped(*counters, 0s));
    ASSERT_TRUE(group->add(child.pid()));
    ASSERT_TRUE(group->freeze(true));
    EXPECT_TRUE(eventually([&] { return detector.is_stopped(*counters, 2s); }));
    ASSERT_TRUE(group->freeze(false));
    EXPECT_TRUE(eventually([&] { return !detector.is_stopped(*counters, 2s); }));
  }
  if (!tried) GTEST_SKIP() << "no freezer can be written; run as root with a cgroup mounted";
}

TEST(StopDetector, TakesAThreadThatIsGoneForNotStopped) {
  ChildProcess child = sleeping_child();
  ASSERT_EQ(child.hear(), 'r');
  auto counters = ThreadCounters::open(child.pid(), child.pid());
  ASSERT_TRUE(counters);
  child.kill();
  child.wait();
  StopDetector detector;
  EXPECT_FALSE(detector.is_stopped(*counters, 0s));
}

}  // namespace
}  // namespace loopscope
