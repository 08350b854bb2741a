#include <gtest/gtest.h>
#include <unistd.h>

#include "sources/uv_stack/uv_stack_source.h"
#include "support/fake_memory.h"
#include "target/uv_layout.h"

// Work outside uv_run, turns that stay countable, loops without JavaScript.

namespace loopscope {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t kOutsideStack = 0x7ffe00000000;
constexpr std::uint64_t kOutsideRunWord = kOutsideStack + 0x1800;
constexpr std::uint64_t kOutsideLoop = 0x5000000;
constexpr std::uint64_t kOutsideInternal = 0x6000000;
constexpr std::uint64_t kOutsideHandles = 0x7000000;
constexpr std::uint64_t kOutsidePollSite = 0x1200;
constexpr std::uint64_t kOutsideWaitSite = 0x2200;

/// The accounting and the system call are of the test itself, which runs.
class UvOutsideTest : public testing::Test {
 protected:
  UvOutsideTest() {
    memory_->map(kOutsideStack, 0x2000);
    memory_->map(kOutsideLoop, 1024);
    memory_->map(kOutsideInternal, 64);
    memory_->map(kOutsideHandles, 0x1000);
    for (const auto ring : {uv_layout::kLoopHandleQueue, uv_layout::kLoopPendingQueue,
                            uv_layout::kLoopWatcherQueue}) {
      memory_->write(kOutsideLoop + ring, kOutsideLoop + ring);
      memory_->write(kOutsideLoop + ring + 8, kOutsideLoop + ring);
    }
    memory_->write(kOutsideLoop + uv_layout::kLoopActiveHandles, std::uint32_t{1});
    auto sites = std::make_shared<UvCallSites>();
    sites->run_sites = {{kOutsidePollSite, Phase::kPoll}};
    sites->wait_sites = {kOutsideWaitSite};
    sites->version = uv_layout::kVersionWithLoopCount;
    auto counters = ThreadCounters::open(getpid(), getpid());
    if (!counters) throw std::runtime_error(counters.error().message);
    source_ = std::make_unique<UvStackSource>(
        std::make_shared<UvProcess>(memory_, sites, 0),
        UvLoopLocation{.run_word = kOutsideRunWord,
                       .io_word = kOutsideStack + 0x800,
                       .loop = kOutsideLoop,
                       .loop_count = kOutsideInternal + uv_layout::kInternalLoopCount},
        std::move(*counters), LoopInfo{});
  }

  LoopSample look_waiting(std::uint64_t turn) {
    memory_->write(kOutsideRunWord, kOutsidePollSite);
    memory_->write(kOutsideStack + 0x800, kOutsideWaitSite);
    memory_->write(kOutsideInternal + uv_layout::kInternalLoopCount, turn);
    return look();
  }
  LoopSample look_outside() {
    memory_->write(kOutsideRunWord, std::uint64_t{0x1234});
    return look();
  }
  LoopSample look() {
    now_ += 10ms;
    const auto sample = source_->sample(now_);
    EXPECT_TRUE(sample) << sample.error().message;
    return sample ? *sample : LoopSample{};
  }
  void add_handles(const std::vector<int>& types) {
    std::uint64_t before = kOutsideLoop + uv_layout::kLoopHandleQueue;
    std::uint64_t node = kOutsideHandles + uv_layout::kHandleQueue;
    for (const int type : types) {
      memory_->write(before, node);
      memory_->write(node - uv_layout::kHandleQueue + uv_layout::kHandleType, std::int32_t{type});
      before = node;
      node += 0x100;
    }
    memory_->write(before, kOutsideLoop + uv_layout::kLoopHandleQueue);
  }

  std::shared_ptr<FakeMemory> memory_ = std::make_shared<FakeMemory>();
  std::unique_ptr<UvStackSource> source_;
  Nanos now_{1s};
};

TEST_F(UvOutsideTest, WorkBetweenTwoCallsOfUvRunIsOneBusyPeriod) {
  EXPECT_EQ(look_waiting(7).phase, Phase::kPollWait);
  for (int i = 0; i < 200; ++i) {
    const LoopSample sample = look_outside();
    ASSERT_EQ(sample.phase, Phase::kUnknown);
    ASSERT_EQ(sample.iteration, 7U) << "it has not turned";
    ASSERT_TRUE(sample.iteration_is_count);
  }
  EXPECT_EQ(look_waiting(8).iteration, 8U);
}

TEST_F(UvOutsideTest, ALoopWithNothingLeftToDoIsOver) {
  look_waiting(7);
  memory_->write(kOutsideLoop + uv_layout::kLoopActiveHandles, std::uint32_t{0});
  const LoopSample first = look_outside();
  const LoopSample second = look_outside();
  EXPECT_NE(first.iteration, second.iteration) << "no busy period is claimed";
  bool ended = false;
  for (int i = 0; i < 60 && !ended; ++i) ended = !source_->sample(now_ += 10ms).ok();
  EXPECT_TRUE(ended);
}

TEST_F(UvOutsideTest, TurnsStayCountableAfterAnUnknownWord) {
  look_waiting(7);
  memory_->write(kOutsideLoop + uv_layout::kLoopActiveHandles, std::uint32_t{0});
  EXPECT_FALSE(look_outside().iteration_is_count) << "this step is not countable";
  look_waiting(8);
  const LoopSample before = look_waiting(9);
  const LoopSample after = look_waiting(12);
  EXPECT_TRUE(before.iteration_is_count);
  EXPECT_TRUE(after.iteration_is_count);
  EXPECT_EQ(after.iteration - before.iteration, 3U);
}

TEST_F(UvOutsideTest, ALoopOfJavaScriptHasACheckHandle) {
  EXPECT_FALSE(source_->is_internal()) << "nothing is known";
  add_handles({1, 13});
  EXPECT_TRUE(source_->is_internal()) << "V8's task scheduler";
  add_handles({1, 12});
  EXPECT_TRUE(source_->is_internal()) << "the inspector";
  add_handles({10, 7, 7, 13});
  EXPECT_TRUE(source_->is_internal()) << "a synchronous child";
  add_handles({13, 2, 6, 9, 2, 1});
  EXPECT_FALSE(source_->is_internal());
}

}  // namespace
}  // namespace loopscope
