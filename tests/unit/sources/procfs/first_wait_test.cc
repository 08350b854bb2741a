#include "sources/procfs/first_wait.h"

#include <gtest/gtest.h>
#include <sys/epoll.h>

#include "base/clock.h"
#include "base/unique_fd.h"
#include "support/child_process.h"

namespace loopscope {
namespace {

using namespace std::chrono_literals;

/// Works until it is told to wait in epoll.
void work_until_told(const ChildProcess::Channel& parent) {
  const UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
  parent.say('r');
  pollfd told{parent.in, POLLIN, 0};
  while (::poll(&told, 1, 0) == 0) {
  }
  epoll_event event{};
  while (::epoll_wait(epoll.get(), &event, 1, -1) != 0) {
  }
}

class FirstWaitTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(child_.hear(), 'r');
    LoopInfo info;
    info.source = "procfs";
    auto attached = FirstWait::attach(child_.pid(), child_.pid(), std::move(info), true);
    if (!attached) GTEST_SKIP() << attached.error().message;
    source_ = std::move(*attached);
    ASSERT_NE(source_, nullptr) << "it runs";
  }

  ChildProcess child_{work_until_told};
  std::unique_ptr<FirstWait> source_;
  SystemClock clock_;
};

TEST_F(FirstWaitTest, IsNothingUntilTheThreadWaits) {
  const auto sample = source_->sample(clock_.now());
  ASSERT_TRUE(sample) << sample.error().message;
  EXPECT_TRUE(sample->withheld);
  EXPECT_EQ(source_->standing(), LoopSource::Standing::kUnproven);
  EXPECT_EQ(source_->doubt(), FirstWait::kNotJudgedYet);
  EXPECT_EQ(source_->limitation(), "");
  EXPECT_EQ(source_->info().source, "procfs");
}

TEST_F(FirstWaitTest, IsItsSourceOnceItWaits) {
  child_.tell('w');
  ASSERT_TRUE(eventually([&] {
    const auto sample = source_->sample(clock_.now());
    return sample && !sample->withheld && sample->phase == Phase::kPollWait;
  }));
  EXPECT_EQ(source_->standing(), LoopSource::Standing::kProven);
  EXPECT_EQ(source_->doubt(), "");
}

TEST_F(FirstWaitTest, GivesUpOnAThreadThatNeverWaits) {
  const Nanos begin = clock_.now();
  ASSERT_TRUE(source_->sample(begin));
  EXPECT_TRUE(source_->sample(begin + FirstWait::kPatience));
  EXPECT_FALSE(source_->sample(begin + FirstWait::kPatience + 1ms));
}

TEST_F(FirstWaitTest, EndsWithTheThread) {
  child_.kill();
  child_.wait();
  EXPECT_FALSE(source_->sample(clock_.now()));
}

TEST(FirstWait, IsNotForAThreadThatSleeps) {
  ChildProcess child([](const ChildProcess::Channel& parent) { parent.hear(); });
  EXPECT_TRUE(eventually([&] {
    const auto attached = FirstWait::attach(child.pid(), child.pid(), {}, true);
    return attached && *attached == nullptr;
  }));
}

}  // namespace
}  // namespace loopscope
