#include "culprit/v8/v8_position_table.h"

#include <gtest/gtest.h>

#include <vector>

namespace loopscope {
namespace {

using Bytes = std::vector<std::uint8_t>;

void append(Bytes& out, std::int64_t value) {
  auto rest = (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63);
  while (rest >= 0x80) {
    out.push_back(static_cast<std::uint8_t>(rest | 0x80));
    rest >>= 7;
  }
  out.push_back(static_cast<std::uint8_t>(rest));
}

/// Pairs of steps.
Bytes table_of(const std::vector<std::int64_t>& steps) {
  Bytes out;
  for (const std::int64_t step : steps) append(out, step);
  return out;
}

std::optional<V8Position> find(const Bytes& table, std::int64_t offset) {
  return find_position(std::as_bytes(std::span(table)), V8CodeSteps::kSigned, offset);
}

std::int64_t raw(std::uint32_t offset, int inlining_id = -1) {
  return (std::int64_t{offset} + 1) * 2 + (std::int64_t{inlining_id} + 1) * (std::int64_t{1} << 31);
}

TEST(V8PositionTableTest, TakesTheLastEntryAtOrBefore) {
  // Code offsets 0, 10 and (by a negative step) 14.
  const Bytes table = table_of({1, raw(100), 10, raw(250) - raw(100), -5, raw(40) - raw(250)});
  EXPECT_EQ(find(table, 0)->offset, 100U);
  EXPECT_EQ(find(table, 9)->offset, 100U);
  EXPECT_EQ(find(table, 10)->offset, 250U);
  EXPECT_EQ(find(table, 14)->offset, 40U);
  EXPECT_EQ(find(table, 100000)->offset, 40U);
  EXPECT_FALSE(find(table, -1));
}

TEST(V8PositionTableTest, StepsMayStandAboveTwoFlags) {
  // As Node 26 writes them: code offsets 11, 32, 36, 48 and 312.
  const Bytes table{0x32, 0xf4, 0x14, 0x56, 0x44, 0x12, 0x00, 0x33, 0x68, 0xa2, 0x08, 0x44};
  const auto at = [&](std::int64_t offset) {
    return find_position(std::as_bytes(std::span(table)), V8CodeSteps::kFlagged, offset);
  };
  EXPECT_FALSE(at(10));
  EXPECT_EQ(at(11)->offset, 668U);
  EXPECT_EQ(at(31)->offset, 668U);
  EXPECT_EQ(at(32)->offset, 685U);
  EXPECT_EQ(at(47)->offset, 685U);
  EXPECT_EQ(at(48)->offset, 711U);
  EXPECT_EQ(at(311)->offset, 711U);
  EXPECT_EQ(at(312)->offset, 728U);
  // Read the old way the same bytes give another function's line for most of the code.
  EXPECT_NE(find(table, 48)->offset, 711U);
}

TEST(V8PositionTableTest, TellsInlinedCode) {
  const Bytes table = table_of({1, raw(7), 5, raw(9, 3) - raw(7)});
  EXPECT_EQ(find(table, 0)->inlining_id, -1);
  EXPECT_EQ(find(table, 6)->inlining_id, 3);
  EXPECT_EQ(find(table, 6)->offset, 9U);
}

TEST(V8PositionTableTest, PlacesOutsideScriptsAreNone) {
  EXPECT_FALSE(decode_position(0));
  EXPECT_FALSE(decode_position(static_cast<std::uint64_t>(raw(5)) | 1));
}

TEST(V8PositionTableTest, BrokenTablesHaveNoPlace) {
  EXPECT_FALSE(find({}, 5));
  EXPECT_FALSE(find({2}, 5));
  EXPECT_FALSE(find(Bytes(20, 0xff), 5));
  Bytes overflowing = table_of({std::int64_t{1} << 62, raw(3), std::int64_t{1} << 62, 1});
  EXPECT_FALSE(find(overflowing, 5));
}

/// Bytecodes 0 to 3 are prefixes; 4 has one byte, 5 two, or three and five when widened.
constexpr std::size_t kCount = 6;
const Bytes kSizes{1, 1, 1, 1, 1, 2, 1, 1, 1, 1, 1, 3, 1, 1, 1, 1, 1, 5};

std::optional<std::int64_t> find_bytecode(const Bytes& pcs, const Bytes& bytecodes,
                                          std::uint64_t pc) {
  return find_baseline_bytecode(std::as_bytes(std::span(pcs)), std::as_bytes(std::span(bytecodes)),
                                kSizes, kCount, pc);
}

TEST(V8BaselineBytecodeTest, StepsAlongTheBytecodes) {
  const Bytes bytecodes{4, 5, 0, 0, 5, 0, 0, 1, 5, 0, 0, 0, 0, 4};
  const Bytes pcs{20, 0x80, 0x01, 4, 6, 8, 2};  // prologue, 128, 4, 6, 8, 2
  EXPECT_EQ(find_bytecode(pcs, bytecodes, 0), -1);
  EXPECT_EQ(find_bytecode(pcs, bytecodes, 20), 0);
  EXPECT_EQ(find_bytecode(pcs, bytecodes, 147), 0);
  EXPECT_EQ(find_bytecode(pcs, bytecodes, 148), 1);
  EXPECT_EQ(find_bytecode(pcs, bytecodes, 152), 3);  // widened once
  EXPECT_EQ(find_bytecode(pcs, bytecodes, 158), 7);  // widened twice
  EXPECT_EQ(find_bytecode(pcs, bytecodes, 166), 13);
  EXPECT_EQ(find_bytecode(pcs, bytecodes, 168), std::nullopt);
}

TEST(V8BaselineBytecodeTest, BrokenTablesHaveNoBytecode) {
  EXPECT_EQ(find_bytecode({}, {4}, 0), std::nullopt);
  EXPECT_EQ(find_bytecode({1, 1}, {0}, 1), std::nullopt);   // a prefix of nothing
  EXPECT_EQ(find_bytecode({1, 1}, {77}, 1), std::nullopt);  // no such bytecode
  EXPECT_EQ(find_bytecode({1}, {4, 4}, 1), std::nullopt);   // shorter than the code
}

}  // namespace
}  // namespace loopscope
