#include "culprit/native/frame_stepper.h"

#include <algorithm>
#include <array>

#include "culprit/native/dwarf_expression.h"

namespace loopscope {
namespace {

constexpr std::uint64_t kWord = 8;
/// Words of arguments that a function may have pushed for the call it is in.
constexpr std::uint64_t kMaxPushed = 8;

/// rbx, rbp and r12-r15 belong to the caller (System V ABI); the CFA tells the rsp.
bool is_callee_saved(std::size_t number) {
  return number == kDwarfRbx || number == kDwarfRbp ||
         (number >= kDwarfR12 && number < kDwarfReturnAddress);
}

}  // namespace

FrameStepper::FrameStepper(const MemoryReader& memory, const MemoryMap& map, std::uint64_t sp)
    : memory_(memory), map_(map), low_(sp), high_(sp) {
  const Mapping* stack = map.find(sp);
  if (stack != nullptr) high_ = stack->end;
}

bool FrameStepper::is_on_stack(std::uint64_t address) const {
  return address % kWord == 0 && address >= low_ && address < high_ && high_ - address >= kWord;
}

bool FrameStepper::is_code(std::uint64_t address) const {
  const Mapping* mapping = map_.find(address);
  return mapping != nullptr && mapping->executable;
}

bool FrameStepper::follows_call(std::uint64_t address) const {
  std::array<std::byte, 7> bytes{};
  if (!memory_.read(address - bytes.size(), bytes)) return false;
  const auto byte = [&](std::size_t back) {
    return std::to_integer<std::uint8_t>(bytes[bytes.size() - back]);
  };
  if (byte(5) == 0xe8) return true;  // call rel32
  // call r/m64: ff /2, two to seven bytes with its operand (a REX prefix may stand before).
  for (std::size_t size = 2; size <= 7; ++size) {
    if (byte(size) == 0xff && (byte(size - 1) & 0x38) == 0x10) return true;
  }
  return false;
}

bool FrameStepper::apply(const CfiRow& row, std::size_t number, std::uint64_t cfa,
                         const FrameRegisters& frame, std::optional<std::uint64_t>& value) const {
  const CfiRule& rule = row.rules[number];
  const auto offset = static_cast<std::uint64_t>(rule.value);
  std::optional<std::uint64_t> place;
  value.reset();
  switch (rule.kind) {
    case CfiRule::Kind::kUnspecified:
      if (is_callee_saved(number)) value = frame.values[number];
      return true;
    case CfiRule::Kind::kUndefined:
      return true;
    case CfiRule::Kind::kSameValue:
      value = frame.values[number];
      return true;
    case CfiRule::Kind::kValueOffset:
      value = cfa + offset;
      return true;
    case CfiRule::Kind::kRegister:
      if (offset < kDwarfReturnAddress) value = frame.values[offset];
      return true;
    case CfiRule::Kind::kOffset:
      place = cfa + offset;
      // In an epilogue the tables still name the slot of a register that has been popped.
      if (number != kDwarfReturnAddress && *place < frame.sp()) {
        value = frame.values[number];
        return true;
      }
      break;
    case CfiRule::Kind::kExpression:
    case CfiRule::Kind::kValueExpression:
      if (offset >= row.expressions.size()) return false;
      place = evaluate_expression(row.expressions[offset], frame, memory_, cfa);
      if (rule.kind == CfiRule::Kind::kValueExpression) {
        value = place;
        return true;
      }
      break;
  }
  if (!place || !is_on_stack(*place)) return false;
  value = memory_.read_value<std::uint64_t>(*place);
  return value.has_value();
}

bool FrameStepper::step_by_cfi(const CfiRow& row, FrameRegisters& frame) const {
  std::optional<std::uint64_t> cfa;
  if (row.cfa_is_expression) {
    const auto number = static_cast<std::uint64_t>(row.cfa_offset);
    if (number >= row.expressions.size()) return false;
    cfa = evaluate_expression(row.expressions[number], frame, memory_, std::nullopt);
  } else if (row.cfa_register < kDwarfReturnAddress && frame.values[row.cfa_register]) {
    cfa = *frame.values[row.cfa_register] + static_cast<std::uint64_t>(row.cfa_offset);
  }
  // The caller's frame is above: at least the return address lies between.
  if (!cfa || *cfa <= frame.sp() || !is_on_stack(*cfa - kWord)) return false;

  FrameRegisters caller;
  for (std::size_t i = 0; i < kDwarfReturnAddress; ++i) {
    if (!apply(row, i, *cfa, frame, caller.values[i])) return false;
  }
  std::optional<std::uint64_t> return_address;
  if (!apply(row, kDwarfReturnAddress, *cfa, frame, return_address) || !return_address) {
    return false;
  }
  caller.pc = *return_address;
  // OpenSSL's assembler keeps the CFA's place below the stack pointer at times, which no sample
  // has a copy of: by now something else may stand there.
  if (row.cfa_is_expression && !row.is_signal_frame && !follows_call(caller.pc)) return false;
  // A signal frame tells the interrupted stack pointer; for all others it is the CFA.
  if (row.rules[kDwarfRsp].kind == CfiRule::Kind::kUnspecified) caller.values[kDwarfRsp] = *cfa;
  if (caller.sp() <= frame.sp() || !is_on_stack(caller.sp()) || !is_code(caller.pc)) return false;
  frame = caller;
  return true;
}

std::optional<std::uint64_t> FrameStepper::checked_return_address(std::uint64_t fp) const {
  if (!is_on_stack(fp) || !is_on_stack(fp + kWord)) return std::nullopt;
  const auto address = memory_.read_value<std::uint64_t>(fp + kWord);
  if (!address || !is_code(*address) || !follows_call(*address)) return std::nullopt;
  return address;
}

bool FrameStepper::step_by_frame_pointer(FrameRegisters& frame) const {
  const auto fp = frame.values[kDwarfRbp];
  if (!fp || *fp < frame.sp()) return false;
  const auto return_address = checked_return_address(*fp);
  const auto saved = memory_.read_value<std::uint64_t>(*fp);
  if (!return_address || !saved) return false;
  FrameRegisters caller;
  caller.pc = *return_address;
  caller.values[kDwarfRsp] = *fp + 2 * kWord;
  // Any other value is no frame pointer, but may be data the caller kept there.
  caller.values[kDwarfRbp] = *saved;
  if (!is_on_stack(caller.sp())) return false;
  frame = caller;
  return true;
}

bool FrameStepper::lacks_frame_pointer(const CfiRow& row, const FrameRegisters& frame) {
  return !row.cfa_is_expression && row.cfa_register == kDwarfRbp && row.cfa_offset == 16 &&
         !frame.values[kDwarfRbp];
}

bool FrameStepper::recover_frame_pointer(std::uint64_t frame_size, FrameRegisters& frame) const {
  for (std::uint64_t pushed = 0; pushed <= kMaxPushed; ++pushed) {
    const std::uint64_t candidate = frame.sp() + frame_size + pushed * kWord;
    if (!checked_return_address(candidate)) continue;
    frame.values[kDwarfRbp] = candidate;
    return true;
  }
  return false;
}

}  // namespace loopscope
