#include "target/process_id.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "support/child_process.h"

namespace loopscope {
namespace {

void sleep_on(const ChildProcess::Channel& parent) { parent.hear(); }

TEST(ProcessId, KnowsTheOwnProcess) {
  const auto id = identify(::getpid());
  ASSERT_TRUE(id);
  EXPECT_GT(id->start_time, 0U);
  EXPECT_TRUE(is_alive(*id));
}

TEST(ProcessId, NamesThePidThatDoesNotExist) {
  for (const int pid : {0, -1, 2147483647}) {
    const auto id = identify(pid);
    ASSERT_FALSE(id);
    EXPECT_NE(id.error().message.find(std::to_string(pid)), std::string::npos);
  }
}

TEST(ProcessId, AZombieIsDead) {
  ChildProcess child(sleep_on);
  const auto id = identify(child.pid());
  ASSERT_TRUE(id);
  EXPECT_TRUE(is_alive(*id));
  child.kill();
  EXPECT_FALSE(is_alive(*id));
  const auto again = identify(child.pid());
  ASSERT_FALSE(again);
  EXPECT_NE(again.error().message.find("zombie"), std::string::npos);
  child.wait();
  EXPECT_FALSE(is_alive(*id));
}

TEST(ProcessId, APidThatIsUsedAgainIsAnotherProcess) {
  const auto id = identify(::getpid());
  ASSERT_TRUE(id);
  EXPECT_FALSE(is_alive({id->pid, id->start_time - 1}));
}

}  // namespace
}  // namespace loopscope
