#include "sources/sampler.h"

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <new>
#include <thread>

#include "base/guarded.h"
#include "support/no_threads.h"

namespace loopscope {
namespace {

using namespace std::chrono_literals;

/// Waits for 5 ms and is busy for 5 ms, by the clock; counts the looks at it.
class ScriptedSource final : public LoopSource {
 public:
  explicit ScriptedSource(std::shared_ptr<std::atomic<int>> looks, int fail_after = 1 << 30)
      : looks_(std::move(looks)), fail_after_(fail_after) {}

  Result<LoopSample> sample(Nanos now) override {
    if (++*looks_ > fail_after_) return Error{"the thread ended"};
    LoopSample sample;
    sample.at = now;
    sample.iteration = static_cast<std::uint64_t>(now / 10ms);
    sample.phase = now % 10ms < 5ms ? Phase::kPollWait : Phase::kTimers;
    return sample;
  }
  const LoopInfo& info() const override { return info_; }

 private:
  std::shared_ptr<std::atomic<int>> looks_;
  int fail_after_;
  LoopInfo info_{.runtime = "test", .runtime_version = "1", .source = "scripted", .note = ""};
};

std::shared_ptr<SampledLoop> scripted_loop(std::shared_ptr<std::atomic<int>> looks,
                                           int fail_after = 1 << 30) {
  return std::make_shared<SampledLoop>(
      "main", std::make_unique<ScriptedSource>(std::move(looks), fail_after),
      SamplingPolicy(1ms, 50ms), 50ms, nullptr);
}

bool wait_for(const std::function<bool()>& condition) {
  for (int tries = 0; tries < 5000; ++tries) {
    if (condition()) return true;
    std::this_thread::sleep_for(1ms);
  }
  return false;
}

class SamplerTest : public testing::Test {
 protected:
  std::shared_ptr<std::atomic<int>> looks_ = std::make_shared<std::atomic<int>>(0);
  SystemClock clock_;
  Sampler sampler_{clock_};
};

TEST_F(SamplerTest, LooksAgainAndAgainAndKeepsFigures) {
  const auto loop = scripted_loop(looks_);
  sampler_.start();
  sampler_.add(loop);
  ASSERT_TRUE(wait_for([this] { return *looks_ > 50; }));
  const auto stats = loop->stats(clock_.now());
  EXPECT_GT(stats.active_time, Nanos{0});
  EXPECT_GT(stats.idle_time, Nanos{0});
  EXPECT_EQ(loop->info().source, "scripted");
}

TEST_F(SamplerTest, ARemovedLoopIsNotLookedAtAnyMore) {
  const auto loop = scripted_loop(looks_);
  const auto other_looks = std::make_shared<std::atomic<int>>(0);
  sampler_.start();
  sampler_.add(loop);
  sampler_.add(scripted_loop(other_looks));
  ASSERT_TRUE(wait_for([this] { return *looks_ > 5; }));
  sampler_.remove(loop);
  const int looks = *looks_;
  const int others = *other_looks;
  ASSERT_TRUE(wait_for([&] { return *other_looks > others + 20; }));
  EXPECT_EQ(*looks_, looks);
}

TEST_F(SamplerTest, AFailedLoopIsLeftAloneUntilItGetsAnotherSource) {
  const auto loop = scripted_loop(looks_, 5);
  sampler_.start();
  sampler_.add(loop);
  ASSERT_TRUE(wait_for([&] { return loop->failed(); }));
  EXPECT_EQ(loop->failure(), "the thread ended");
  EXPECT_EQ(*looks_, 6);

  const auto fresh = std::make_shared<std::atomic<int>>(0);
  loop->replace_source(std::make_unique<ScriptedSource>(fresh));
  sampler_.add(loop);
  ASSERT_TRUE(wait_for([&] { return *fresh > 5; }));
  EXPECT_FALSE(loop->failed());
  EXPECT_EQ(*looks_, 6);
}

TEST_F(SamplerTest, StatsMayBeTakenWhileItLooks) {
  const auto loop = scripted_loop(looks_);
  sampler_.start();
  sampler_.add(loop);
  Nanos before{0};
  for (int i = 0; i < 200; ++i) {
    const auto stats = loop->stats(clock_.now());
    const Nanos total = stats.active_time + stats.idle_time;
    EXPECT_GE(total, before);
    before = total;
  }
}

TEST_F(SamplerTest, StopsAtOnceWithNothingToDo) {
  sampler_.start();
  const Nanos begin = clock_.now();
  sampler_.stop();
  EXPECT_LT(clock_.now() - begin, 900ms);
}

/// Has no memory for every third look.
class ThrowingSource final : public LoopSource {
 public:
  explicit ThrowingSource(std::shared_ptr<std::atomic<int>> looks) : looks_(std::move(looks)) {}

  Result<LoopSample> sample(Nanos now) override {
    if (++*looks_ % 3 == 0) throw std::bad_alloc();
    LoopSample sample;
    sample.at = now;
    sample.phase = Phase::kPollWait;
    return sample;
  }
  const LoopInfo& info() const override { return info_; }

 private:
  std::shared_ptr<std::atomic<int>> looks_;
  LoopInfo info_{.runtime = "test", .runtime_version = "1", .source = "scripted", .note = ""};
};

TEST_F(SamplerTest, AnExceptionCostsOneLookAtOneLoop) {
  const auto thrown = std::make_shared<std::atomic<int>>(0);
  const auto loop = std::make_shared<SampledLoop>("main", std::make_unique<ThrowingSource>(thrown),
                                                  SamplingPolicy(1ms, 50ms), 50ms, nullptr);
  const std::uint64_t before = guarded_failures();
  ASSERT_TRUE(sampler_.start());
  sampler_.add(loop);
  sampler_.add(scripted_loop(looks_));
  ASSERT_TRUE(wait_for([&] { return *thrown >= 9; }));
  EXPECT_GE(guarded_failures() - before, 3U);
  EXPECT_FALSE(loop->failed());
  const int seen = *looks_;
  EXPECT_TRUE(wait_for([&] { return *looks_ > seen; })) << "the other loop is looked at as before";
}

TEST_F(SamplerTest, WithoutAThreadItSaysSo) {
  without_threads([this] { EXPECT_FALSE(sampler_.start()); });
  EXPECT_TRUE(sampler_.start()) << "may be tried again";
}

}  // namespace
}  // namespace loopscope
