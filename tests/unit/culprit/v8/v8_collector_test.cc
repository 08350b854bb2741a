#include "culprit/v8/v8_collector.h"

#include <gtest/gtest.h>

#include "support/fake_memory.h"

namespace loopscope {
namespace {

using namespace std::chrono_literals;

// As in Node 22.
constexpr std::uint64_t kFakeIsolate = 0x100000;
constexpr std::uint64_t kFakeTracer = 0x200000;
constexpr std::uint64_t kFakeEvent = kFakeTracer + 0x20;

class V8CollectorTest : public testing::Test {
 protected:
  V8CollectorTest() {
    memory_.map(kFakeIsolate, 0x10000);
    memory_.map(kFakeTracer, 0x1000);
    memory_.write(kFakeIsolate + 0xe568, kFakeTracer);
    memory_.write(kFakeTracer, kFakeIsolate + 0xdea0);
    memory_.write(kFakeTracer + 8, std::uint32_t{1});
    memory_.write(kFakeEvent, std::uint64_t{1000});
    memory_.write(kFakeEvent + 8, std::uint64_t{2000});
  }
  std::optional<V8CollectionWords> find(int major = 22) {
    return find_v8_collection_words(major, kFakeIsolate + 0x80, memory_, 10ms);
  }
  FakeMemory memory_;
};

TEST_F(V8CollectorTest, TellsWhereTheTimesAre) {
  const auto words = find();
  ASSERT_TRUE(words);
  EXPECT_EQ(words->current, kFakeEvent);
  EXPECT_EQ(words->previous, kFakeEvent + 0x600);
  EXPECT_EQ(words->count, kFakeIsolate + 0xe054);
  EXPECT_FALSE(words->in_milliseconds);
}

TEST_F(V8CollectorTest, AVersionThatIsNotKnownHasNone) { EXPECT_FALSE(find(21)); }

TEST_F(V8CollectorTest, ATracerOfAnotherHeapIsNone) {
  memory_.write(kFakeTracer, kFakeIsolate + 0xdea8);
  EXPECT_FALSE(find());
}

TEST_F(V8CollectorTest, ATypeOrTimeThatCannotBeIsNone) {
  memory_.write(kFakeTracer + 8, std::uint32_t{6});
  EXPECT_FALSE(find());
  memory_.write(kFakeTracer + 8, std::uint32_t{0});
  ASSERT_TRUE(find());
  memory_.write(kFakeEvent + 8, std::uint64_t{10'001});
  EXPECT_FALSE(find()) << "in the future";
}

TEST_F(V8CollectorTest, WhatCannotBeReadIsNone) {
  memory_.unmap(kFakeTracer);
  EXPECT_FALSE(find());
}

}  // namespace
}  // namespace loopscope
