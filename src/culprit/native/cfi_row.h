#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace loopscope {

/// x86-64 register numbers of DWARF (System V ABI, figure 3.36); 16 is the return address.
inline constexpr std::size_t kDwarfRbx = 3;
inline constexpr std::size_t kDwarfRbp = 6;
inline constexpr std::size_t kDwarfRsp = 7;
inline constexpr std::size_t kDwarfR9 = 9;
inline constexpr std::size_t kDwarfR12 = 12;
inline constexpr std::size_t kDwarfReturnAddress = 16;
inline constexpr std::size_t kDwarfRegisters = 17;

/// Where the caller's value of one register is.
struct CfiRule {
  enum class Kind : std::uint8_t {
    kUnspecified,      ///< by the ABI: unchanged if callee-saved, else lost
    kUndefined,        ///< lost; for the return address: this is the outermost frame
    kSameValue,        ///< unchanged
    kOffset,           ///< in memory at CFA + value
    kValueOffset,      ///< CFA + value itself
    kRegister,         ///< in register `value`
    kExpression,       ///< in memory at the result of expression number `value`
    kValueExpression,  ///< the result itself
  };
  Kind kind = Kind::kUnspecified;
  std::int64_t value = 0;
};

/// How to get from a frame to its caller's at one pc: a row of DWARF's call frame table.
struct CfiRow {
  bool cfa_is_expression = false;
  std::size_t cfa_register = kDwarfRsp;
  std::int64_t cfa_offset = 0;  ///< or the expression's number
  std::array<CfiRule, kDwarfRegisters> rules;
  bool is_signal_frame = false;
  std::uint64_t function_begin = 0;                 ///< vaddr
  std::vector<std::vector<std::byte>> expressions;  ///< DWARF expressions, bounded in size
};

}  // namespace loopscope
