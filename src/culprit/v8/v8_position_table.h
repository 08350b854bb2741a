#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace loopscope {

/// A place in the source of a function that may have been inlined.
struct V8Position {
  std::uint32_t offset = 0;  ///< in the script, in characters
  int inlining_id = -1;      ///< index into the inlining positions; -1: not inlined
};

/// What V8 keeps in one 64-bit word; absent: no place in a script.
std::optional<V8Position> decode_position(std::uint64_t raw);

/// How a table of positions writes the steps of the code offset, which only go up.
enum class V8CodeSteps : std::uint8_t {
  kSigned,   ///< with the sign in the lowest bit; a negative step d means -(d + 1)
  kFlagged,  ///< without sign, above two bits that say what kind of place it is (V8 14 on)
};

/// The place a table has for the code at `offset`: that of the last entry at or before it. The
/// table is a row of pairs of variable-length integers (seven bits a byte, lowest first): steps
/// of the code offset, which begins at -1, and of the position, with the sign in the lowest
/// bit. Absent: no entry, or a broken table.
std::optional<V8Position> find_position(std::span<const std::byte> table, V8CodeSteps steps,
                                        std::int64_t offset);

/// The places a table has for code from `first` to `last`, ascending by code and at most
/// kMaxPositions of them; empty: none, or more, or a broken table.
std::vector<V8Position> find_positions(std::span<const std::byte> table, V8CodeSteps steps,
                                       std::int64_t first, std::int64_t last);
inline constexpr std::size_t kMaxPositions = 4096;

/// The bytecode at machine code offset `pc_offset` of baseline code. `pc_table` has the length
/// of the code of the prologue and of each bytecode, as variable-length integers without sign;
/// `sizes`: see V8Layout::bytecode_sizes. -1: the prologue. Absent: not in the tables.
std::optional<std::int64_t> find_baseline_bytecode(std::span<const std::byte> pc_table,
                                                   std::span<const std::byte> bytecodes,
                                                   std::span<const std::uint8_t> sizes,
                                                   std::size_t bytecode_count,
                                                   std::uint64_t pc_offset);

}  // namespace loopscope
