#include "culprit/v8/v8_maglev_code.h"

#include <gtest/gtest.h>

#include "culprit/v8/v8_reader.h"
#include "support/fake_v8.h"

namespace loopscope {
namespace {

using MachineBytes = std::vector<std::uint8_t>;

constexpr std::uint32_t kMaglev = 11;
constexpr std::uint64_t kCodeStart = FakeV8::kJit + 0x400;
// Places in the machine code below.
constexpr std::uint64_t kInLoop = 4;
constexpr std::uint64_t kBehindLoop = 26;
constexpr std::uint64_t kReturn = 28;
constexpr std::uint64_t kAside = 29;
constexpr std::uint64_t kCallReturns = 35;
constexpr std::uint32_t kSize = 49;
// Bytecodes of the function that was inlined.
constexpr std::uint8_t kLoopBegin = 5;
constexpr std::uint8_t kLoopEnd = 20;

/// Code of outer() with inner() in it, a loop whose turn ends with a check for interrupts:
/// the call for that stands aside.
const MachineBytes kMachineCode{
    0x55, 0x48, 0x89, 0xe5,              //  0 push rbp; mov rbp, rsp
    0x83, 0xc0, 0x01,                    //  4 add eax, 1
    0x0f, 0x80, 0x1c, 0x00, 0x00, 0x00,  //  7 jo 41: leaves by entry 0
    0x41, 0x80, 0x7d, 0xb1, 0x00,        // 13 cmp byte [r13-0x4f], 0
    0x0f, 0x85, 0x05, 0x00, 0x00, 0x00,  // 18 jne 29
    0xeb, 0xea,                          // 24 jmp 4
    0x31, 0xc0, 0xc3,                    // 26 xor eax, eax; ret
    0x50, 0xe8, 0x00, 0x00, 0x00, 0x00,  // 29 push rax; call
    0x58,                                // 35 pop rax
    0xe9, 0xef, 0xff, 0xff, 0xff,        // 36 jmp 24
    0x41, 0xff, 0x55, 0xd8,              // 41 exit of entry 0
    0x41, 0xff, 0x55, 0xd8,              // 45 exit of entry 1
};

void append_varint(MachineBytes& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<std::uint8_t>(value | 0x80));
  out.push_back(static_cast<std::uint8_t>(value));
}

/// A table of positions: {code offset, position} each, ascending.
MachineBytes table_of(const std::vector<std::pair<int, int>>& places) {
  MachineBytes out;
  int code = -1;
  int raw = 0;
  for (const auto& [offset, position] : places) {
    append_varint(out, static_cast<std::uint64_t>(offset - code) * 2);
    const int step = (position + 1) * 2 - raw;
    append_varint(out, static_cast<std::uint64_t>(step >= 0 ? step * 2 : -step * 2 - 1));
    code = offset;
    raw += step;
  }
  return out;
}

class V8MaglevCodeTest : public ::testing::Test {
 protected:
  /// `inner_places`: the position table of inner(); of its five lines each has ten characters.
  void make(const std::vector<std::pair<int, int>>& inner_places,
            const MachineBytes& code_table = {}, int inlined = 1) {
    const std::uint64_t script =
        v8_.script(v8_.string("/srv/app.js"),
                   v8_.string("123456789\n123456789\n123456789\n123456789\n123456789\n"));
    outer_ = v8_.shared(v8_.string("outer"), script);
    inner_ = v8_.shared(v8_.string("inner"), script);
    v8_.set(outer_, 8, v8_.bytecodes(table_of({{0, 1}, {30, 45}})));
    const std::uint64_t bytecodes = v8_.bytecodes(table_of(inner_places));
    v8_.memory.write(bytecodes - 1 + v8_.layout.bytecode_data + kLoopEnd, std::uint8_t{0x8b});
    v8_.memory.write(bytecodes - 1 + v8_.layout.bytecode_data + kLoopEnd + 1,
                     static_cast<std::uint8_t>(kLoopEnd - kLoopBegin));
    v8_.set(inner_, 8, bytecodes);

    const std::uint64_t translations = v8_.bytes(translations_);
    const std::uint64_t inlinings = v8_.bytes({92, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0});
    const auto number = [](std::int64_t value) { return FakeV8::smi(value); };
    deopt_ = v8_.array({translations, number(inlined), v8_.array({outer_, inner_ | 2}), 0, 0, 0,
                        outer_, inlinings, 0, 0, 0,  //
                        number(10), number(0), number(41), number(kLoopEnd),
                        number(first_translation_), number(45)});
    code_ = v8_.code(kCodeStart, kSize, kMaglev, v8_.bytes(code_table), deopt_);
    for (std::size_t i = 0; i < kMachineCode.size(); ++i)
      v8_.memory.write(kCodeStart + i, kMachineCode[i]);
    // The table of calls: length, form (entries, one byte for pc, index and exit), two counts.
    const std::uint64_t calls = kCodeStart + (kSize + 3) / 4 * 4;
    v8_.memory.write(calls, std::uint32_t{1});
    v8_.memory.write(calls + 4, std::uint32_t{1 | 1 << 4 | 1 << 7});
    const MachineBytes call{kCallReturns, 2, 46, 0};
    for (std::size_t i = 0; i < call.size(); ++i) v8_.memory.write(calls + 16 + i, call[i]);
  }
  std::optional<V8CodePlace> at(std::uint64_t offset, bool is_call = false) {
    const V8Heap heap(v8_.layout, v8_.memory);
    const auto code = V8CodeFinder().find(heap, kCodeStart + offset);
    auto maglev = code ? V8MaglevCode::read(heap, *code) : std::nullopt;
    return maglev ? maglev->at(heap, offset, is_call) : std::nullopt;
  }
  /// What a walk says of the code at `offset`, which runs.
  std::string walk(std::uint64_t offset) {
    const std::uint64_t fp = v8_.frame(v8_.entry_frame(), FakeV8::kBuiltins + 0x20,
                                       {deopt_, v8_.function(outer_), 0, 1, 1});
    V8Reader reader(v8_.layout, FakeV8::image());
    V8Thread thread;
    const V8Walk found =
        reader.walk(v8_.sample(kCodeStart + offset, fp), v8_.memory, FakeV8::map(), thread);
    std::string out = found.trusted ? "" : "untrusted ";
    for (const V8Frame& frame : found.frames) {
      out += frame.frame.function + ":" + std::to_string(frame.frame.line) + " ";
    }
    return out;
  }

  FakeV8 v8_;
  std::uint64_t outer_ = 0;
  std::uint64_t inner_ = 0;
  std::uint64_t deopt_ = 0;
  std::uint64_t code_ = 0;
  // Entry 0: outer at 30 that calls inner at 10, two values. Entry 1: the same for outer, and
  // inner at the end of its loop.
  MachineBytes translations_{12, 0,  4, 4,  1,  60, 0,
                             6,  35, 2, 32, 1,  20, 2,
                             6,  //
                             12, 15, 4, 4,  43, 1,  2 * kLoopEnd,
                             2,  6};
  int first_translation_ = 15;
};

const std::vector<std::pair<int, int>> kOneLine{{0, 11}, {5, 21}, {20, 25}, {25, 31}};
const std::vector<std::pair<int, int>> kTwoLines{{0, 11}, {5, 21}, {12, 31}, {20, 25}};

TEST_F(V8MaglevCodeTest, ACallIsWhereTheDeoptimizationDataSay) {
  make(kOneLine);
  const auto place = at(kCallReturns - 1, true);
  ASSERT_TRUE(place);
  ASSERT_EQ(place->frames.size(), 2U);
  EXPECT_EQ(place->frames[0], (V8VirtualFrame{outer_, 30}));
  EXPECT_EQ(place->frames[1], (V8VirtualFrame{inner_, kLoopEnd}));
  EXPECT_EQ(place->last, kLoopEnd);
}

TEST_F(V8MaglevCodeTest, ALoopRunsTheBytecodesOfItsLoop) {
  make(kOneLine);
  for (const std::uint64_t offset : {kInLoop, kInLoop + 1}) {
    const auto place = at(offset);
    ASSERT_TRUE(place) << offset;
    ASSERT_EQ(place->frames.size(), 2U);
    EXPECT_EQ(place->frames[1], (V8VirtualFrame{inner_, kLoopBegin}));
    EXPECT_EQ(place->last, kLoopEnd);
    EXPECT_TRUE(place->is_in_loop);
  }
  // A check that failed would have started again from bytecode 10.
  EXPECT_EQ(at(13)->frames[1].bytecode_offset, 10);
}

TEST_F(V8MaglevCodeTest, WhatStandsAsideBelongsToWhereItWasLeft) {
  make(kOneLine);
  const auto place = at(kAside);
  ASSERT_TRUE(place);
  EXPECT_EQ(place->offset, 18U);
  EXPECT_EQ(place->last, kLoopEnd);
}

TEST_F(V8MaglevCodeTest, BetweenTwoFunctionsItIsNeither) {
  make(kOneLine);
  EXPECT_FALSE(at(0));
  EXPECT_FALSE(at(kBehindLoop));
  EXPECT_EQ(walk(kBehindLoop), "untrusted ");
  // Where nothing was inlined the function is certain, if not the line.
  make(kOneLine, {}, 0);
  ASSERT_TRUE(at(kBehindLoop));
  EXPECT_EQ(at(kBehindLoop)->frames.size(), 1U);
}

TEST_F(V8MaglevCodeTest, WhereTheFrameIsGoneItIsTheOuterOne) {
  make(kOneLine);
  EXPECT_EQ(walk(kReturn).substr(0, 8), "outer:0 ");
}

TEST_F(V8MaglevCodeTest, ALineIsNamedIfAllThatMayRunIsOnIt) {
  make(kOneLine);
  EXPECT_EQ(walk(kInLoop), "inner:3 outer:5 ");
}

TEST_F(V8MaglevCodeTest, OfTwoLinesNeitherIsNamed) {
  make(kTwoLines);
  EXPECT_EQ(walk(kInLoop), "inner:0 outer:5 ");
}

TEST_F(V8MaglevCodeTest, ATableOfItsOwnTellsThemApart) {
  // Inlining 0 is kept as 1 << 31, so the position steps are long.
  const auto table = [](std::uint64_t position) {
    MachineBytes out{2};
    append_varint(out, (((position + 1) * 2) | std::uint64_t{1} << 31) * 2);
    return out;
  };
  make(kTwoLines, table(31));
  EXPECT_EQ(walk(kInLoop), "inner:4 outer:5 ");
  // The place of the loop's end, which stands at all of a loop whose first turn was taken out.
  make(kTwoLines, table(25));
  EXPECT_EQ(walk(kInLoop), "inner:0 outer:5 ");
  // No place of this loop.
  make(kTwoLines, table(11));
  EXPECT_EQ(walk(kInLoop), "inner:0 outer:5 ");
}

TEST_F(V8MaglevCodeTest, TranslationsThatDoNotAddUpAreNotBelieved) {
  make(kOneLine);
  v8_.layout.translation_opcodes = 41;
  EXPECT_FALSE(at(kInLoop));
  v8_.layout.translation_opcodes = 40;
  v8_.layout.translation_frame_operands = 4;
  EXPECT_FALSE(at(kInLoop));
  v8_.layout.translation_frame_operands = 3;
  EXPECT_TRUE(at(kInLoop));
  v8_.layout.translation_begin = 0;  // a version whose form is not known
  EXPECT_FALSE(at(kInLoop));
}

TEST_F(V8MaglevCodeTest, BrokenDataGiveNoPlace) {
  for (std::size_t broken = 0; broken < 24; ++broken) {
    for (const int value : {0, 1, 43, 60, 127, 255}) {
      MachineBytes before = translations_;
      translations_[broken] = static_cast<std::uint8_t>(value);
      make(kOneLine);
      at(kInLoop);
      at(kCallReturns - 1, true);
      translations_ = before;
    }
  }
}

}  // namespace
}  // namespace loopscope
