#include "target/uv_disassembler.h"

#include <capstone/capstone.h>

#include <algorithm>
#include <memory>

namespace loopscope {
namespace {

CodeInstruction::Kind kind_of(const cs_insn& insn) {
  const auto in_group = [&insn](std::uint8_t group) {
    const auto* groups = insn.detail->groups;
    return std::find(groups, groups + insn.detail->groups_count, group) !=
           groups + insn.detail->groups_count;
  };
  switch (insn.id) {
    case X86_INS_CALL:
      return CodeInstruction::Kind::kCall;
    case X86_INS_JMP:
      return CodeInstruction::Kind::kJump;
    case X86_INS_RET:
      return CodeInstruction::Kind::kReturn;
    case X86_INS_UD2:
    case X86_INS_HLT:
      return CodeInstruction::Kind::kTrap;
    case X86_INS_NOP:
    case X86_INS_INT3:
      return CodeInstruction::Kind::kPadding;
    default:
      return in_group(X86_GRP_JUMP) ? CodeInstruction::Kind::kConditionalJump
                                    : CodeInstruction::Kind::kOther;
  }
}

CodeOperand operand_of(const cs_x86_op& op) {
  CodeOperand out;
  switch (op.type) {
    case X86_OP_REG:
      out.kind = CodeOperand::Kind::kRegister;
      out.reg = op.reg;
      break;
    case X86_OP_IMM:
      out.kind = CodeOperand::Kind::kImmediate;
      out.value = op.imm;
      break;
    case X86_OP_MEM:
      out.kind = CodeOperand::Kind::kMemory;
      out.reg = op.mem.base;
      out.index = op.mem.index;
      out.scale = op.mem.scale;
      out.value = op.mem.disp;
      break;
    default:
      break;
  }
  return out;
}

}  // namespace

Result<std::vector<CodeInstruction>> disassemble_x86_64(std::span<const std::byte> code,
                                                        std::uint64_t address) {
  csh handle = 0;
  if (cs_open(CS_ARCH_X86, CS_MODE_64, &handle) != CS_ERR_OK) {
    return Error{"cannot start the disassembler"};
  }
  const std::unique_ptr<csh, void (*)(csh*)> closer(&handle, [](csh* h) { cs_close(h); });
  cs_option(handle, CS_OPT_DETAIL, CS_OPT_ON);
  const std::unique_ptr<cs_insn, void (*)(cs_insn*)> insn(cs_malloc(handle),
                                                          [](cs_insn* i) { cs_free(i, 1); });
  if (insn == nullptr) return Error{"out of memory in the disassembler"};

  std::vector<CodeInstruction> out;
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(code.data());
  std::size_t size = code.size();
  while (cs_disasm_iter(handle, &bytes, &size, &address, insn.get())) {
    CodeInstruction item;
    item.address = insn->address;
    item.size = insn->size;
    item.id = insn->id;
    item.kind = kind_of(*insn);
    const auto& x86 = insn->detail->x86;
    for (std::size_t i = 0; i < std::min<std::size_t>(x86.op_count, 2); ++i) {
      item.operands[i] = operand_of(x86.operands[i]);
    }
    out.push_back(item);
  }
  return out;
}

}  // namespace loopscope
