#include "culprit/native/cfi_program.h"

#include <dwarf.h>
#include <gtest/gtest.h>

#include <initializer_list>
#include <string_view>
#include <vector>

#include "support/bytes.h"

namespace loopscope {
namespace {

/// What GCC writes at a function's beginning: CFA = rsp+8, return address at CFA-8.
const std::vector<std::byte> kUsualCie = bytes({0, 0, 0, 0, 1, 'z', 'R', 0, 1, 0x78, 16, 1, 0x1b,
                                                DW_CFA_def_cfa, 7, 8, DW_CFA_offset | 16, 1});

std::optional<CfiRow> run(const std::vector<std::byte>& program, std::uint64_t pc) {
  const auto cie = parse_cie(kUsualCie);
  if (!cie) return std::nullopt;
  CfiFde fde;
  fde.begin = 0x1000;
  fde.size = 0x100;
  fde.instructions = program;
  return run_cfi(*cie, fde, pc);
}

TEST(CfiProgram, FollowsAPrologueStepByStep) {
  const auto program = bytes({DW_CFA_advance_loc | 1, DW_CFA_def_cfa_offset, 16, DW_CFA_offset | 6,
                              2, DW_CFA_advance_loc | 3, DW_CFA_def_cfa_register, 6});
  const auto before = run(program, 0x1000);
  const auto pushed = run(program, 0x1001);
  const auto in_frame = run(program, 0x1004);
  ASSERT_TRUE(before && pushed && in_frame);
  EXPECT_EQ(before->cfa_offset, 8);
  EXPECT_EQ(before->rules[kDwarfRbp].kind, CfiRule::Kind::kUnspecified);
  EXPECT_EQ(before->rules[kDwarfReturnAddress].value, -8);
  EXPECT_EQ(pushed->cfa_register, kDwarfRsp);
  EXPECT_EQ(pushed->cfa_offset, 16);
  EXPECT_EQ(pushed->rules[kDwarfRbp].value, -16);
  EXPECT_EQ(in_frame->cfa_register, kDwarfRbp);
  EXPECT_EQ(in_frame->cfa_offset, 16);
  EXPECT_EQ(in_frame->function_begin, 0x1000u);
}

TEST(CfiProgram, RestoresWhatItRemembered) {
  const auto program = bytes({DW_CFA_def_cfa_offset, 32, DW_CFA_offset | 3, 4,
                              DW_CFA_remember_state, DW_CFA_advance_loc | 4, DW_CFA_def_cfa_offset,
                              8, DW_CFA_restore | 3, DW_CFA_advance_loc | 1, DW_CFA_restore_state});
  EXPECT_EQ(run(program, 0x1004)->cfa_offset, 8);
  EXPECT_EQ(run(program, 0x1004)->rules[kDwarfRbx].kind, CfiRule::Kind::kUnspecified);
  EXPECT_EQ(run(program, 0x1005)->cfa_offset, 32);
  EXPECT_EQ(run(program, 0x1005)->rules[kDwarfRbx].value, -32);
}

TEST(CfiProgram, IgnoresRegistersItHasNoUseForHoweverLargeTheirNumbers) {
  const auto row = run(bytes({DW_CFA_undefined, 0x80, 0xfe, 0xff, 0x3b}), 0x1000);
  ASSERT_TRUE(row);
  EXPECT_EQ(row->cfa_offset, 8);
}

TEST(CfiProgram, RefusesNonsense) {
  EXPECT_FALSE(run(bytes({DW_CFA_restore_state}), 0x1000));
  EXPECT_FALSE(run(bytes({0x3f, 0}), 0x1000));                             // no such operation
  EXPECT_FALSE(run(bytes({DW_CFA_def_cfa, 7}), 0x1000));                   // ends within
  EXPECT_FALSE(run(bytes({DW_CFA_def_cfa_expression, 0x7f, 1}), 0x1000));  // longer than it is
  EXPECT_FALSE(run(bytes({DW_CFA_def_cfa, 0xff, 0x7f, 8}), 0x1000));       // no such register
  EXPECT_FALSE(run(std::vector<std::byte>(20, std::byte{DW_CFA_remember_state}), 0x1000));
}

}  // namespace
}  // namespace loopscope
