#include "culprit/v8/v8_isolate.h"

#include <gtest/gtest.h>

#include "culprit/v8/v8_reader.h"
#include "support/fake_v8.h"

namespace loopscope {
namespace {

class V8IsolateTest : public ::testing::Test {
 protected:
  bool learn() {
    V8Reader reader(v8_.layout, FakeV8::image());
    return reader.learn_isolate(FakeV8::kStack, FakeV8::kStack + FakeV8::kStackSize, v8_.memory,
                                thread_);
  }
  std::optional<V8StateWord> state() {
    return V8Isolates(v8_.layout).state_word(thread_.isolate_root, v8_.memory);
  }
  FakeV8 v8_;
  V8Thread thread_;
};

TEST_F(V8IsolateTest, IsLearntFromTheStack) {
  EXPECT_FALSE(learn());
  EXPECT_EQ(thread_.isolate_root, 0U);
  v8_.memory.write(FakeV8::kStack + 0x400, FakeV8::kIsolate);
  EXPECT_TRUE(learn());
  EXPECT_EQ(thread_.isolate_root, FakeV8::kRoot);
}

TEST_F(V8IsolateTest, HasToNameItselfTwice) {
  v8_.memory.write(FakeV8::kStack + 0x400, FakeV8::kIsolate);
  v8_.memory.write(FakeV8::kIsolate + 8, std::uint64_t{0});
  EXPECT_FALSE(learn());
  v8_.memory.write(FakeV8::kIsolate + 8, FakeV8::kIsolate);
  v8_.memory.write(FakeV8::root_word(v8_.layout.isolate_self), std::uint64_t{0});
  EXPECT_FALSE(learn());
}

TEST_F(V8IsolateTest, OfAnotherThreadIsNotTaken) {
  v8_.memory.write(FakeV8::kStack + 0x400, FakeV8::kIsolate);
  v8_.memory.write(FakeV8::kIsolate + 16, FakeV8::kStack + (std::uint64_t{1} << 30));
  EXPECT_FALSE(learn());
  v8_.memory.write(FakeV8::kIsolate + 16, FakeV8::kStack - (std::uint64_t{1} << 30));
  EXPECT_FALSE(learn());
}

TEST_F(V8IsolateTest, TheNearestStackLimitDecides) {
  constexpr std::uint64_t kOther = FakeV8::kHeap + 0x20000;
  v8_.memory.write(kOther + 8, kOther);
  v8_.memory.write(kOther + 16, FakeV8::kStack - 0x400000);
  v8_.memory.write(kOther + 0x80 + static_cast<std::uint64_t>(v8_.layout.isolate_self), kOther);
  v8_.memory.write(FakeV8::kStack + 0x200, kOther);
  EXPECT_TRUE(learn());
  EXPECT_EQ(thread_.isolate_root, kOther + 0x80);
  thread_ = {};
  v8_.memory.write(FakeV8::kStack + 0x400, FakeV8::kIsolate);
  EXPECT_TRUE(learn());
  EXPECT_EQ(thread_.isolate_root, FakeV8::kRoot);
}

TEST_F(V8IsolateTest, TellsWhereItsStateIs) {
  EXPECT_FALSE(state());
  thread_.isolate_root = FakeV8::kRoot;
  const auto word = state();
  ASSERT_TRUE(word);
  EXPECT_EQ(word->address, FakeV8::root_word(v8_.layout.isolate_state));
  EXPECT_EQ(word->gc_value, 1U);
  v8_.memory.write(word->address, std::uint32_t{16});
  EXPECT_FALSE(state());
  v8_.memory.write(FakeV8::kIsolate + 8, std::uint64_t{0});
  EXPECT_FALSE(state());
}

}  // namespace
}  // namespace loopscope
