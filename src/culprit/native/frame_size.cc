#include "culprit/native/frame_size.h"

#include <capstone/capstone.h>

#include "target/uv_disassembler.h"

namespace loopscope {
namespace {

constexpr std::int64_t kMaxFrame = std::int64_t{1} << 20;

bool is_register(const CodeOperand& operand, unsigned reg) {
  return operand.kind == CodeOperand::Kind::kRegister && operand.reg == reg;
}

bool is_callee_saved(const CodeOperand& operand) {
  if (operand.kind != CodeOperand::Kind::kRegister) return false;
  return operand.reg == X86_REG_RBX || operand.reg == X86_REG_R12 || operand.reg == X86_REG_R13 ||
         operand.reg == X86_REG_R14 || operand.reg == X86_REG_R15;
}

}  // namespace

std::optional<std::uint64_t> frame_size_by_prologue(std::span<const std::byte> code,
                                                    std::uint64_t address) {
  const auto instructions = disassemble_x86_64(code, address);
  if (!instructions) return std::nullopt;
  bool has_frame_pointer = false;
  std::uint64_t size = 0;
  for (const CodeInstruction& instruction : *instructions) {
    const CodeOperand& first = instruction.operands[0];
    const CodeOperand& second = instruction.operands[1];
    if (instruction.id == X86_INS_MOV && is_register(first, X86_REG_RBP) &&
        is_register(second, X86_REG_RSP)) {
      has_frame_pointer = true;
      size = 0;
    } else if (instruction.id == X86_INS_PUSH && is_callee_saved(first)) {
      size += 8;
    } else if (instruction.id == X86_INS_SUB && is_register(first, X86_REG_RSP)) {
      if (second.kind != CodeOperand::Kind::kImmediate) return std::nullopt;
      if (second.value <= 0 || second.value > kMaxFrame) return std::nullopt;
      // The prologue's last word on the matter.
      if (has_frame_pointer) return size + static_cast<std::uint64_t>(second.value);
      return std::nullopt;
    } else if (instruction.kind == CodeInstruction::Kind::kCall ||
               instruction.kind == CodeInstruction::Kind::kReturn ||
               instruction.kind == CodeInstruction::Kind::kJump) {
      // A prologue is over by then.
      break;
    }
  }
  if (!has_frame_pointer) return std::nullopt;
  return size;
}

}  // namespace loopscope
