#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/result.h"

namespace loopscope {

/// One operand of an x86-64 instruction, as far as the call-site analysis asks.
/// Registers are Capstone's x86_reg numbers; 0 is "none".
struct CodeOperand {
  enum class Kind : std::uint8_t { kNone, kRegister, kImmediate, kMemory };
  Kind kind = Kind::kNone;
  unsigned reg = 0;        ///< kRegister; for kMemory the base register
  unsigned index = 0;      ///< kMemory: index register
  int scale = 1;           ///< kMemory
  std::int64_t value = 0;  ///< kImmediate: the value; kMemory: the displacement
};

struct CodeInstruction {
  enum class Kind : std::uint8_t {
    kOther,
    kCall,
    kJump,
    kConditionalJump,
    kReturn,
    kTrap,
    kPadding
  };
  std::uint64_t address = 0;
  unsigned size = 0;
  unsigned id = 0;  ///< Capstone's x86_insn
  Kind kind = Kind::kOther;
  CodeOperand operands[2];  ///< destination first

  std::uint64_t next() const { return address + size; }
  /// Where a direct call or jump goes; absent for indirect ones.
  std::optional<std::uint64_t> direct_target() const {
    if (operands[0].kind != CodeOperand::Kind::kImmediate) return std::nullopt;
    return static_cast<std::uint64_t>(operands[0].value);
  }
};

/// Linear disassembly of x86-64 machine code with Capstone. Bytes are hostile input:
/// the result ends at the first byte that is no instruction.
Result<std::vector<CodeInstruction>> disassemble_x86_64(std::span<const std::byte> code,
                                                        std::uint64_t address);

}  // namespace loopscope
