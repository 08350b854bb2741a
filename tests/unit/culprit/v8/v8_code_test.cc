#include "culprit/v8/v8_code.h"

#include <gtest/gtest.h>

#include "culprit/v8/v8_code_map.h"
#include "support/fake_v8.h"

namespace loopscope {
namespace {

constexpr std::uint64_t kStart = FakeV8::kJit + 0x440;

class V8CodeTest : public ::testing::Test {
 protected:
  std::optional<V8Code> find(std::uint64_t pc) {
    return finder_.find(V8Heap(v8_.layout, v8_.memory), pc);
  }
  FakeV8 v8_;
  V8CodeFinder finder_;
};

TEST_F(V8CodeTest, IsFoundFromAnyPcInside) {
  v8_.code(kStart, 0x2100, 10, 0, 0);
  v8_.code(kStart + 0x2200, 0x40, 12, 0, 0);
  for (const std::uint64_t offset : {0x20ffU, 0x1000U, 0x41U, 0U}) {
    const auto code = find(kStart + offset);
    ASSERT_TRUE(code) << offset;
    EXPECT_EQ(code->start, kStart);
    EXPECT_EQ(code->kind, V8Code::Kind::kBaseline);
  }
  EXPECT_EQ(find(kStart + 0x2210)->kind, V8Code::Kind::kOptimized);
  EXPECT_FALSE(find(kStart + 0x2100));  // past the end
  EXPECT_FALSE(find(kStart - 1));
  EXPECT_FALSE(find(FakeV8::kJit));
  EXPECT_FALSE(find(5));
}

TEST_F(V8CodeTest, WhatIsRememberedIsCheckedAgain) {
  const std::uint64_t code = v8_.code(kStart, 0x100, 10, 0, 0);
  ASSERT_TRUE(find(kStart + 8));
  v8_.set(code, v8_.layout.code_start, kStart + 0x40);
  EXPECT_FALSE(find(kStart + 8));
}

TEST_F(V8CodeTest, MayStandInTheCodeObjectItself) {
  v8_.layout.code_is_inline = true;
  v8_.layout.code_start = 128;
  v8_.layout.stream_header = 128;
  v8_.layout.stream_alignment = 32;
  const std::uint64_t object = v8_.allocate(v8_.layout.type_code, 8);
  std::uint64_t map = 0;
  map = *v8_.memory.read_value<std::uint64_t>(object - 1);
  const std::uint64_t start = FakeV8::kJit + 0x460;
  v8_.memory.write(start - 128, map);
  v8_.memory.write(start - 128 + v8_.layout.code_size, std::uint32_t{0x300});
  v8_.memory.write(start - 128 + v8_.layout.code_flags, std::uint32_t{12});
  ASSERT_TRUE(find(start + 0x2ff));
  EXPECT_EQ(find(start + 0x2ff)->start, start);
  EXPECT_FALSE(find(start + 0x300));
}

TEST_F(V8CodeTest, TheMapTellsGeneratedCode) {
  const LoadedImage image = FakeV8::image();
  const V8CodeMap map(v8_.layout, image);
  const MemoryMap maps = FakeV8::map();
  EXPECT_EQ(map.kind(FakeV8::kJit, maps), V8CodeKind::kJit);
  EXPECT_EQ(map.kind(FakeV8::kBuiltins, maps), V8CodeKind::kBuiltins);
  EXPECT_EQ(map.kind(FakeV8::kNativeCode, maps), V8CodeKind::kNative);
  EXPECT_EQ(map.kind(FakeV8::kHeap, maps), V8CodeKind::kNone);
  EXPECT_EQ(map.kind(0, maps), V8CodeKind::kNone);
  EXPECT_TRUE(map.knows_builtins(maps));
}

}  // namespace
}  // namespace loopscope
