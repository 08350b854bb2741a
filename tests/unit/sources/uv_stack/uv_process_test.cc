#include "sources/uv_stack/uv_process.h"

#include <gtest/gtest.h>

#include <random>

#include "support/fake_memory.h"
#include "target/uv_layout.h"

namespace loopscope {
namespace {

constexpr std::uint64_t kStack = 0x7ffe00000000;
constexpr std::uint64_t kStackSize = 256 * 1024;
constexpr std::uint64_t kLoop = 0x5000000;
constexpr std::uint64_t kInternal = 0x6000000;
constexpr std::uint64_t kBias = 0x400000;
constexpr std::uint64_t kTimersSite = 0x1100;
constexpr std::uint64_t kPollSite = 0x1200;
constexpr std::uint64_t kWaitSite = 0x2200;
constexpr std::uint64_t kIoOffset = 0x3000;

class UvProcessTest : public testing::Test {
 protected:
  UvProcessTest() {
    memory_->map(kStack, kStackSize);
    memory_->map(kLoop, 1024);
    memory_->map(kInternal, 64);
    for (const auto ring : {uv_layout::kLoopHandleQueue, uv_layout::kLoopPendingQueue,
                            uv_layout::kLoopWatcherQueue}) {
      memory_->write(kLoop + ring, kLoop + ring);
      memory_->write(kLoop + ring + 8, kLoop + ring);
    }
    memory_->write(kLoop + uv_layout::kLoopBackendFd, std::int32_t{9});
    memory_->write(kLoop + uv_layout::kLoopInternalFields, kInternal);
    sites_->run_sites = {{kTimersSite, Phase::kTimers}, {kPollSite, Phase::kPoll}};
    sites_->wait_sites = {kWaitSite};
    sites_->io_word_offset = kIoOffset;
    sites_->version = uv_layout::kVersionWithLoopCount;
  }

  UvProcess process() const { return {memory_, sites_, kBias}; }
  std::optional<UvLoopLocation> locate() const {
    return process().locate(kStack, kStack + kStackSize);
  }
  void put_frame(std::uint64_t word, bool with_loop = true) {
    memory_->write(word, kPollSite + kBias);
    memory_->write(word - 16, with_loop ? kLoop : std::uint64_t{0});
  }

  std::shared_ptr<FakeMemory> memory_ = std::make_shared<FakeMemory>();
  std::shared_ptr<UvCallSites> sites_ = std::make_shared<UvCallSites>();
};

TEST_F(UvProcessTest, FindsTheWordTheLoopAndItsCounter) {
  const std::uint64_t word = kStack + kStackSize - 0x900;
  put_frame(word);
  const auto found = locate();
  ASSERT_TRUE(found);
  EXPECT_EQ(found->run_word, word);
  EXPECT_EQ(found->io_word, word - kIoOffset);
  EXPECT_EQ(found->loop, kLoop);
  EXPECT_EQ(found->loop_count, kInternal + uv_layout::kInternalLoopCount);
}

TEST_F(UvProcessTest, TheOutermostOfNestedLoopsIsTaken) {
  put_frame(kStack + kStackSize - 0x900);
  put_frame(kStack + kStackSize - 0x9000);
  EXPECT_EQ(locate()->run_word, kStack + kStackSize - 0x900);
}

TEST_F(UvProcessTest, AStrayWordAboveWithoutALoopIsPassedOver) {
  put_frame(kStack + kStackSize - 0x400, false);
  put_frame(kStack + kStackSize - 0x900);
  EXPECT_EQ(locate()->run_word, kStack + kStackSize - 0x900);
}

TEST_F(UvProcessTest, AWordWithoutALoopIsBetterThanNone) {
  put_frame(kStack + kStackSize - 0x400, false);
  const auto found = locate();
  ASSERT_TRUE(found);
  EXPECT_EQ(found->loop, 0U);
}

TEST_F(UvProcessTest, NoWordNoLoop) {
  EXPECT_FALSE(locate());
  EXPECT_FALSE(process().locate(0x1000, 0x2000));
}

TEST_F(UvProcessTest, OldLibuvHasNoCounterButThePollsClock) {
  sites_->version = (1U << 16) | (44U << 8);
  sites_->poll_base_offset = 0x2800;
  const std::uint64_t word = kStack + kStackSize - 0x900;
  put_frame(word);
  const auto found = locate();
  ASSERT_TRUE(found);
  EXPECT_EQ(found->loop_count, 0U);
  EXPECT_EQ(found->poll_base, word - 0x2800);
}

TEST_F(UvProcessTest, ARingThatDoesNotCloseIsNoLoop) {
  memory_->write(kLoop + uv_layout::kLoopPendingQueue, std::uint64_t{0x123450});
  put_frame(kStack + kStackSize - 0x900);
  EXPECT_EQ(locate()->loop, 0U);
}

TEST_F(UvProcessTest, AHandleListThatNeverEndsIsCutOff) {
  const std::uint64_t node = 0x7000000;
  memory_->map(node - uv_layout::kHandleQueue, 64);
  memory_->write(kLoop + uv_layout::kLoopHandleQueue, node);
  memory_->write(node, node);
  EXPECT_EQ(process().handle_types(kLoop)->size(), 256U);
}

TEST_F(UvProcessTest, RandomStacksNeverHangOrCrash) {
  std::mt19937_64 random(3);
  const std::uint64_t values[] = {kPollSite + kBias, kTimersSite + kBias, kLoop, kInternal,
                                  kStack + 0x1000,   ~std::uint64_t{0},   0};
  for (int round = 0; round < 20; ++round) {
    for (std::uint64_t at = kStack; at < kStack + kStackSize; at += 8) {
      memory_->write(at, values[random() % std::size(values)]);
    }
    for (std::uint64_t at = kLoop; at < kLoop + 1024; at += 8) {
      memory_->write(at, values[random() % std::size(values)]);
    }
    (void)locate();
    (void)process().handle_types(kLoop);
  }
}

}  // namespace
}  // namespace loopscope
