#include "culprit/v8/v8_string.h"

#include <gtest/gtest.h>

#include "support/fake_v8.h"

namespace loopscope {
namespace {

class V8StringTest : public ::testing::Test {
 protected:
  std::optional<std::string> read(std::uint64_t tagged) {
    return read_string(V8Heap(v8_.layout, v8_.memory), tagged);
  }
  FakeV8 v8_;
};

TEST_F(V8StringTest, OneByteIsLatinOne) {
  EXPECT_EQ(read(v8_.string("main")), "main");
  EXPECT_EQ(read(v8_.string("caf\xe9")), "caf\u00e9");
  EXPECT_EQ(read(v8_.string("")), "");
}

TEST_F(V8StringTest, TwoByteBecomesUtf8) {
  EXPECT_EQ(read(v8_.string(u"\u51fd\u6570 \U0001f600")), "\u51fd\u6570 \U0001f600");
}

TEST_F(V8StringTest, HalfASurrogatePairIsReplaced) {
  const char16_t lonely[] = {'a', 0xd83d, 'b', 0};
  EXPECT_EQ(read(v8_.string(lonely)),
            "a\ufffd"
            "b");
}

TEST_F(V8StringTest, ControlCharactersDoNotReachTheLog) {
  EXPECT_EQ(read(v8_.string("a\nb\x1b[31m")), "a?b?[31m");
}

TEST_F(V8StringTest, StringsThatStandForOthers) {
  const std::uint64_t left = v8_.string("left");
  const std::uint64_t right = v8_.string(u"r\u00edght");
  const std::uint64_t cons = v8_.string_of(0x21, 9, left, right);
  EXPECT_EQ(read(cons), "leftr\u00edght");
  const std::uint64_t nested = v8_.string_of(0x21, 13, cons, left);
  EXPECT_EQ(read(nested), "leftr\u00edghtleft");
  EXPECT_EQ(read(v8_.string_of(0x2d, 4, left, 0)), "left");
  EXPECT_EQ(read(v8_.string_of(0x2b, 2, left, FakeV8::smi(1))), "ef");
  EXPECT_EQ(read(v8_.string_of(0x23, 3, right, FakeV8::smi(1))), "\u00edgh");
  EXPECT_EQ(read(v8_.string_of(0x2a, 4, 0, left - 1 + 16)), "left");
}

TEST_F(V8StringTest, AFlattenedConsIsFlat) {
  const std::uint64_t flat = v8_.string("flat");
  const std::uint64_t cons = v8_.string_of(0x29, 4, flat, v8_.string(""));
  const auto characters = flat_characters(V8Heap(v8_.layout, v8_.memory), cons);
  ASSERT_TRUE(characters);
  EXPECT_EQ(characters->address, flat - 1 + 16);
  EXPECT_EQ(characters->length, 4U);
}

TEST_F(V8StringTest, LongOnesAreCutOff) {
  const std::uint64_t text = v8_.string(std::string(5000, 'x'));
  EXPECT_EQ(read(text), std::string(kMaxNameLength, 'x'));
  // A length field that lies: a gigabyte that is not there.
  v8_.memory.write(text - 1 + 12, std::uint32_t{1} << 30);
  EXPECT_EQ(read(text), std::string(kMaxNameLength, 'x'));
}

TEST_F(V8StringTest, CyclesEnd) {
  const std::uint64_t cons = v8_.string_of(0x29, 1U << 30, 0, 0);
  v8_.set(cons, 16, cons);
  v8_.set(cons, 24, cons);
  EXPECT_EQ(read(cons), std::nullopt);
  const std::uint64_t thin = v8_.string_of(0x2d, 8, 0, 0);
  v8_.set(thin, 16, thin);
  EXPECT_EQ(read(thin), std::nullopt);
  const std::uint64_t sliced = v8_.string_of(0x2b, 8, 0, FakeV8::smi(1));
  v8_.set(sliced, 16, sliced);
  EXPECT_EQ(read(sliced), std::nullopt);
}

TEST_F(V8StringTest, WhatIsNoStringHasNoText) {
  EXPECT_EQ(read(FakeV8::smi(3)), std::nullopt);
  EXPECT_EQ(read(0x12345679), std::nullopt);
  EXPECT_EQ(read(v8_.array({})), std::nullopt);
  // A slice that begins past its parent's end.
  EXPECT_EQ(read(v8_.string_of(0x2b, 2, v8_.string("left"), FakeV8::smi(3))), std::nullopt);
  EXPECT_EQ(read(v8_.string_of(0x2b, 2, v8_.string("left"), FakeV8::smi(-1))), std::nullopt);
}

TEST_F(V8StringTest, AMovedStringIsReadWhereItIs) {
  const std::uint64_t moved = v8_.string("moved");
  const std::uint64_t old = v8_.string("stale");
  v8_.memory.write(old - 1, moved - 1);  // a map word without its tag is a forwarding address
  EXPECT_EQ(read(old), "moved");
}

}  // namespace
}  // namespace loopscope
