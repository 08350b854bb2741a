#include "culprit/native/frame_stepper.h"

#include <dwarf.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <limits>

#include "culprit/native/dwarf_expression.h"
#include "support/bytes.h"
#include "support/fake_memory.h"

namespace loopscope {
namespace {

constexpr std::uint64_t kCode = 0x400000;
constexpr std::uint64_t kStack = 0x7000'0000;
constexpr std::uint64_t kStackEnd = 0x7000'4000;
/// Return addresses: after "call rel32" and after "call [rax]".
constexpr std::uint64_t kAfterCall = kCode + 0x105;
constexpr std::uint64_t kAfterIndirectCall = kCode + 0x202;

class Stepping : public ::testing::Test {
 protected:
  Stepping()
      : map_(MemoryMap::parse("00400000-00401000 r-xp 00000000 00:00 0\n"
                              "70000000-70004000 rw-p 00000000 00:00 0 [stack]\n")) {
    memory_.map(kCode, 0x1000);
    memory_.map(kStack, kStackEnd - kStack);
    memory_.write<std::uint8_t>(kCode + 0x100, 0xe8);
    memory_.write<std::uint16_t>(kCode + 0x200, 0x10ff);
    frame_.pc = kCode + 0x10;
    frame_.values[kDwarfRsp] = kStack;
  }

  void put(std::uint64_t offset, std::uint64_t value) { memory_.write(kStack + offset, value); }
  FrameStepper stepper() const { return {memory_, map_, kStack}; }
  /// A frame at kStack + offset.
  void put_frame(std::uint64_t offset, std::uint64_t saved_fp, std::uint64_t return_address) {
    put(offset, saved_fp);
    put(offset + 8, return_address);
  }
  bool step_from(std::uint64_t fp) {
    frame_.values[kDwarfRbp] = fp;
    return stepper().step_by_frame_pointer(frame_);
  }

  /// CFA = rsp + offset, return address below it.
  static CfiRow row(std::int64_t cfa_offset) {
    CfiRow row;
    row.cfa_offset = cfa_offset;
    row.rules[kDwarfReturnAddress] = {CfiRule::Kind::kOffset, -8};
    return row;
  }

  FakeMemory memory_;
  MemoryMap map_;
  FrameRegisters frame_;
};

TEST_F(Stepping, FollowsAFramePointerChain) {
  put_frame(0x40, kStack + 0x80, kAfterCall);
  put_frame(0x80, 12345, kAfterIndirectCall);
  ASSERT_TRUE(step_from(kStack + 0x40));
  EXPECT_EQ(frame_.pc, kAfterCall);
  EXPECT_EQ(frame_.sp(), kStack + 0x50);
  ASSERT_TRUE(stepper().step_by_frame_pointer(frame_));
  EXPECT_EQ(frame_.pc, kAfterIndirectCall);
  EXPECT_FALSE(stepper().step_by_frame_pointer(frame_));
  EXPECT_EQ(frame_.pc, kAfterIndirectCall);
}

TEST_F(Stepping, RefusesFramePointersThatCannotBe) {
  put_frame(0x40, kStack + 0x80, kAfterCall);
  for (const std::uint64_t fp : {std::uint64_t{0}, kStack - 8, kStack + 0x41, kStackEnd,
                                 kStackEnd - 8, ~std::uint64_t{0}, ~std::uint64_t{7}, kCode}) {
    EXPECT_FALSE(step_from(fp)) << std::hex << fp;
  }
  frame_.values[kDwarfRbp].reset();
  EXPECT_FALSE(stepper().step_by_frame_pointer(frame_));
  frame_.values[kDwarfRsp] = kStack + 0x48;  // the frame is below the stack pointer
  EXPECT_FALSE(step_from(kStack + 0x40));
}

TEST_F(Stepping, RefusesReturnAddressesThatFollowNoCall) {
  for (const std::uint64_t address : {std::uint64_t{0}, kCode, kAfterCall + 1, kStack + 0x40,
                                      std::uint64_t{0x401000}, ~std::uint64_t{0}}) {
    put_frame(0x40, kStack + 0x80, address);
    EXPECT_FALSE(step_from(kStack + 0x40)) << std::hex << address;
  }
}

TEST_F(Stepping, EndsOnAChainThatRunsInACircle) {
  put_frame(0x40, kStack + 0x40, kAfterCall);
  put_frame(0x80, kStack + 0x40, kAfterCall);
  EXPECT_TRUE(step_from(kStack + 0x80));
  EXPECT_FALSE(stepper().step_by_frame_pointer(frame_));
  frame_.values[kDwarfRsp] = kStack;
  EXPECT_TRUE(step_from(kStack + 0x40));
  EXPECT_FALSE(stepper().step_by_frame_pointer(frame_));
}

TEST_F(Stepping, AppliesARow) {
  put(0x28, kAfterCall);
  put(0x20, 77);
  CfiRow table = row(0x30);
  table.rules[kDwarfRbp] = {CfiRule::Kind::kOffset, -16};
  frame_.values[kDwarfRbx] = 5;
  frame_.values[0] = 6;  // rax is the callee's to spoil
  ASSERT_TRUE(stepper().step_by_cfi(table, frame_));
  EXPECT_EQ(frame_.pc, kAfterCall);
  EXPECT_EQ(frame_.sp(), kStack + 0x30);
  EXPECT_EQ(frame_.values[kDwarfRbp], 77u);
  EXPECT_EQ(frame_.values[kDwarfRbx], 5u);
  EXPECT_FALSE(frame_.values[0]);
}

TEST_F(Stepping, KnowsARegisterThatAnEpilogueHasPopped) {
  put(0, kAfterCall);
  CfiRow at_return = row(8);
  at_return.rules[kDwarfRbp] = {CfiRule::Kind::kOffset, -16};
  frame_.values[kDwarfRbp] = 99;
  ASSERT_TRUE(stepper().step_by_cfi(at_return, frame_));
  EXPECT_EQ(frame_.values[kDwarfRbp], 99u);
}

TEST_F(Stepping, RefusesRowsThatLeadNowhere) {
  put(0x28, kAfterCall);
  // Backwards, on the spot, out of the stack, not aligned.
  for (const std::int64_t offset :
       {std::int64_t{-16}, std::int64_t{0}, std::int64_t{0x5000}, std::int64_t{0x2f},
        std::numeric_limits<std::int64_t>::max(), std::numeric_limits<std::int64_t>::min()}) {
    EXPECT_FALSE(stepper().step_by_cfi(row(offset), frame_)) << offset;
  }
  CfiRow unknown_base = row(0x30);
  unknown_base.cfa_register = kDwarfRbx;
  EXPECT_FALSE(stepper().step_by_cfi(unknown_base, frame_));
  CfiRow outermost = row(0x30);
  outermost.rules[kDwarfReturnAddress].kind = CfiRule::Kind::kUndefined;
  EXPECT_FALSE(stepper().step_by_cfi(outermost, frame_));
  CfiRow elsewhere = row(0x30);
  elsewhere.rules[kDwarfRbx] = {CfiRule::Kind::kOffset, 0x5000};
  EXPECT_FALSE(stepper().step_by_cfi(elsewhere, frame_));
  CfiRow no_expression = row(0x30);
  no_expression.rules[kDwarfRbx] = {CfiRule::Kind::kExpression, 3};
  EXPECT_FALSE(stepper().step_by_cfi(no_expression, frame_));
  put(0x28, kStack);  // not code
  EXPECT_FALSE(stepper().step_by_cfi(row(0x30), frame_));
  EXPECT_EQ(frame_.pc, kCode + 0x10);
}

TEST_F(Stepping, FindsTheFramePointerOfASleepingThread) {
  CfiRow table = row(16);
  table.cfa_register = kDwarfRbp;
  EXPECT_TRUE(FrameStepper::lacks_frame_pointer(table, frame_));
  put_frame(0x50, kStack + 0x100, kAfterCall);
  FrameRegisters pushed_two_arguments = frame_;
  EXPECT_FALSE(stepper().recover_frame_pointer(0x60, frame_));
  EXPECT_FALSE(frame_.values[kDwarfRbp]);
  ASSERT_TRUE(stepper().recover_frame_pointer(0x50, frame_));
  EXPECT_EQ(frame_.values[kDwarfRbp], kStack + 0x50);
  EXPECT_FALSE(FrameStepper::lacks_frame_pointer(table, frame_));
  ASSERT_TRUE(stepper().recover_frame_pointer(0x40, pushed_two_arguments));
  EXPECT_EQ(pushed_two_arguments.values[kDwarfRbp], kStack + 0x50);
}

TEST_F(Stepping, EvaluatesTheExpressionOfAPltEntry) {
  // rsp + 8 + (((pc & 15) >= 11) << 3): what linkers write for .plt
  const auto plt = bytes({DW_OP_breg7, 8, DW_OP_breg16, 0, DW_OP_lit15, DW_OP_and, DW_OP_lit11,
                          DW_OP_ge, DW_OP_lit3, DW_OP_shl, DW_OP_plus});
  frame_.pc = kCode + 0x16;
  EXPECT_EQ(evaluate_expression(plt, frame_, memory_, {}), kStack + 8);
  frame_.pc = kCode + 0x1b;
  EXPECT_EQ(evaluate_expression(plt, frame_, memory_, {}), kStack + 16);
}

TEST_F(Stepping, RefusesExpressionsThatMakeNoSense) {
  EXPECT_FALSE(evaluate_expression({}, frame_, memory_, {}));
  EXPECT_EQ(evaluate_expression({}, frame_, memory_, 5), 5u);
  EXPECT_FALSE(evaluate_expression(bytes({DW_OP_plus}), frame_, memory_, 5));
  EXPECT_FALSE(evaluate_expression(bytes({DW_OP_breg3, 0}), frame_, memory_, 5));
  EXPECT_FALSE(evaluate_expression(bytes({DW_OP_breg31, 0}), frame_, memory_, 5));
  EXPECT_FALSE(evaluate_expression(bytes({DW_OP_deref}), frame_, memory_, 5));
  EXPECT_FALSE(evaluate_expression(bytes({DW_OP_const8u, 1}), frame_, memory_, 5));
  EXPECT_FALSE(evaluate_expression(bytes({DW_OP_skip, 0xfd, 0xff}), frame_, memory_, 5));
  EXPECT_FALSE(
      evaluate_expression(std::vector<std::byte>(500, std::byte{DW_OP_dup}), frame_, memory_, 5));
}

}  // namespace
}  // namespace loopscope
