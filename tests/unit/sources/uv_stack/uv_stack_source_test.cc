#include "sources/uv_stack/uv_stack_source.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "support/fake_memory.h"

namespace loopscope {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t kRunWord = 0x7ffe00001000;
constexpr std::uint64_t kIoWord = 0x7ffe00000800;
constexpr std::uint64_t kSourceStack = 0x7ffe00000000;
constexpr std::uint64_t kIsolate = 0x5000000;
constexpr std::uint64_t kSourceTimersSite = 0x1100;
constexpr std::uint64_t kSourcePollSite = 0x1200;
constexpr std::uint64_t kSourceWaitSite = 0x2200;
constexpr GcWord kGcWord{.address = kIsolate + 0x40, .value = 1};

/// FakeMemory that counts the reads.
class CountingMemory final : public MemoryReader {
 public:
  FakeMemory memory;
  mutable int reads = 0;

  Result<void> read(std::uint64_t address, std::span<std::byte> out) const override {
    return memory.read(address, out);
  }
  bool read_many(std::span<const RemoteRead> pieces) const override {
    ++reads;
    return memory.read_many(pieces);
  }
  std::size_t read_some(std::uint64_t address, std::span<std::byte> out) const override {
    return memory.read_some(address, out);
  }
};

/// Looks at words of made-up memory; the scheduler's accounting is of the test itself.
class UvStackSourceTest : public testing::Test {
 protected:
  UvStackSourceTest() {
    memory().map(kSourceStack, 0x2000);
    memory().map(kIsolate, 0x100);
    sites_->run_sites = {{kSourceTimersSite, Phase::kTimers}, {kSourcePollSite, Phase::kPoll}};
    sites_->wait_sites = {kSourceWaitSite};
    auto counters = ThreadCounters::open(getpid(), getpid());
    if (!counters) throw std::runtime_error(counters.error().message);
    source_ = std::make_unique<UvStackSource>(
        std::make_shared<UvProcess>(reader_, sites_, 0),
        UvLoopLocation{.run_word = kRunWord, .io_word = kIoWord}, std::move(*counters), LoopInfo{});
    in_timers();
  }

  FakeMemory& memory() { return reader_->memory; }
  void in_timers() { memory().write(kRunWord, kSourceTimersSite); }
  void waiting() {
    memory().write(kRunWord, kSourcePollSite);
    memory().write(kIoWord, kSourceWaitSite);
  }
  void collecting(bool yes) {
    memory().write(kGcWord.address, yes ? kGcWord.value : std::uint32_t{0});
  }
  LoopSample look() {
    now_ += 1ms;
    const auto sample = source_->sample(now_);
    EXPECT_TRUE(sample) << sample.error().message;
    return sample ? *sample : LoopSample{};
  }

  std::shared_ptr<CountingMemory> reader_ = std::make_shared<CountingMemory>();
  std::shared_ptr<UvCallSites> sites_ = std::make_shared<UvCallSites>();
  std::unique_ptr<UvStackSource> source_;
  Nanos now_{1s};
};

TEST_F(UvStackSourceTest, SeesTheCollectorWhileTheLoopIsBusy) {
  source_->watch_gc(kGcWord);
  collecting(false);
  EXPECT_EQ(look().phase, Phase::kTimers);
  EXPECT_FALSE(look().collecting);
  collecting(true);
  EXPECT_TRUE(look().collecting);
  EXPECT_TRUE(look().collecting);
  collecting(false);
  EXPECT_FALSE(look().collecting);
}

TEST_F(UvStackSourceTest, AWaitingLoopDoesNotCollect) {
  source_->watch_gc(kGcWord);
  collecting(true);
  look();
  ASSERT_TRUE(look().collecting);
  waiting();
  const LoopSample sample = look();
  EXPECT_EQ(sample.phase, Phase::kPollWait);
  EXPECT_FALSE(sample.collecting);
}

TEST_F(UvStackSourceTest, TheCollectorCostsNoReadOfItsOwn) {
  look();
  const auto reads_of_a_look = [this] {
    const int before = reader_->reads;
    look();
    return reader_->reads - before;
  };
  const int without = reads_of_a_look();
  source_->watch_gc(kGcWord);
  EXPECT_EQ(reads_of_a_look(), without);
}

TEST_F(UvStackSourceTest, ReadsTheTimesOfCollectionsWithTheWord) {
  GcWord word = kGcWord;
  word.times = GcTimes{.current = kIsolate + 0x48,
                       .previous = kIsolate + 0x58,
                       .count = kIsolate + 0x68,
                       .in_milliseconds = false};
  source_->watch_gc(word);
  collecting(false);
  memory().write(kIsolate + 0x48, std::uint64_t{2000});
  memory().write(kIsolate + 0x50, std::uint64_t{3000});
  memory().write(kIsolate + 0x58, std::uint64_t{0});
  memory().write(kIsolate + 0x60, std::uint64_t{0});
  memory().write(kIsolate + 0x68, std::uint32_t{9});
  look();
  const LoopSample sample = look();
  ASSERT_TRUE(sample.collections);
  EXPECT_EQ(sample.collections->ended[0].end, Nanos(3ms));
  EXPECT_EQ(sample.collections->count, 9u);
  memory().write(kIsolate + 0x50, ~std::uint64_t{0});
  EXPECT_FALSE(look().collections) << "what cannot be a time";
}

TEST_F(UvStackSourceTest, NothingIsSeenWithoutAWord) {
  collecting(true);
  look();
  EXPECT_FALSE(look().collecting);
  source_->watch_gc(GcWord{});
  EXPECT_FALSE(look().collecting);
  source_->watch_gc(kGcWord);
  EXPECT_TRUE(look().collecting);
  source_->watch_gc(std::nullopt);
  EXPECT_FALSE(look().collecting);
}

TEST_F(UvStackSourceTest, AWordThatIsGoneIsGivenUpAndTheLoopIsNot) {
  source_->watch_gc(kGcWord);
  collecting(true);
  look();
  ASSERT_TRUE(look().collecting);
  memory().unmap(kIsolate);
  LoopSample sample = look();
  EXPECT_EQ(sample.phase, Phase::kTimers);
  EXPECT_FALSE(sample.collecting);
  memory().map(kIsolate, 0x100);
  collecting(true);
  EXPECT_FALSE(look().collecting) << "not tried again";
}

TEST_F(UvStackSourceTest, AStackThatIsGoneEndsTheLoopWithOrWithoutAWord) {
  source_->watch_gc(kGcWord);
  look();
  memory().unmap(kSourceStack);
  EXPECT_FALSE(source_->sample(now_ + 1ms));
}

}  // namespace
}  // namespace loopscope
