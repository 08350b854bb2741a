#include "culprit/native/dwarf_expression.h"

#include <dwarf.h>

#include <vector>

#include "culprit/native/byte_cursor.h"

namespace loopscope {
namespace {

constexpr std::size_t kMaxDepth = 64;

class ExpressionMachine {
 public:
  ExpressionMachine(const FrameRegisters& registers, const MemoryReader& memory)
      : registers_(registers), memory_(memory) {}

  void push(std::uint64_t value) { stack_.push_back(value); }

  std::optional<std::uint64_t> run(std::span<const std::byte> expression) {
    ByteCursor code(expression);
    while (!code.at_end()) {
      if (!execute(code.take<std::uint8_t>(), code) || !code.ok() || stack_.size() > kMaxDepth) {
        return std::nullopt;
      }
    }
    return code.ok() ? pop() : std::nullopt;
  }

 private:
  std::optional<std::uint64_t> pop() {
    if (stack_.empty()) return std::nullopt;
    const std::uint64_t value = stack_.back();
    stack_.pop_back();
    return value;
  }

  bool push_register(std::uint64_t number, std::int64_t offset) {
    if (number == kDwarfReturnAddress) {
      push(registers_.pc + static_cast<std::uint64_t>(offset));
      return true;
    }
    if (number > kDwarfReturnAddress || !registers_.values[number]) return false;
    push(*registers_.values[number] + static_cast<std::uint64_t>(offset));
    return true;
  }

  bool execute(std::uint8_t operation, ByteCursor& code) {
    if (operation >= DW_OP_lit0 && operation <= DW_OP_lit31) {
      push(operation - DW_OP_lit0);
      return true;
    }
    if (operation >= DW_OP_breg0 && operation <= DW_OP_breg31) {
      return push_register(operation - DW_OP_breg0, code.take_sleb());
    }
    switch (operation) {
      case DW_OP_const1u:
        push(code.take<std::uint8_t>());
        return true;
      case DW_OP_const1s:
        push(static_cast<std::uint64_t>(code.take<std::int8_t>()));
        return true;
      case DW_OP_const2u:
        push(code.take<std::uint16_t>());
        return true;
      case DW_OP_const2s:
        push(static_cast<std::uint64_t>(code.take<std::int16_t>()));
        return true;
      case DW_OP_const4u:
        push(code.take<std::uint32_t>());
        return true;
      case DW_OP_const4s:
        push(static_cast<std::uint64_t>(code.take<std::int32_t>()));
        return true;
      case DW_OP_const8u:
      case DW_OP_const8s:
        push(code.take<std::uint64_t>());
        return true;
      case DW_OP_constu:
        push(code.take_uleb());
        return true;
      case DW_OP_consts:
        push(static_cast<std::uint64_t>(code.take_sleb()));
        return true;
      default:
        return execute_on_stack(operation, code);
    }
  }

  bool execute_on_stack(std::uint8_t operation, ByteCursor& code) {
    const auto top = pop();
    if (!top) return false;
    switch (operation) {
      case DW_OP_dup:
        push(*top);
        push(*top);
        return true;
      case DW_OP_drop:
        return true;
      case DW_OP_plus_uconst:
        push(*top + code.take_uleb());
        return true;
      case DW_OP_deref: {
        const auto value = memory_.read_value<std::uint64_t>(*top);
        if (value) push(*value);
        return value.has_value();
      }
      default:
        break;
    }
    const auto below = pop();
    const auto result = below ? combine(operation, *below, *top) : std::nullopt;
    if (result) push(*result);
    return result.has_value();
  }

  static std::optional<std::uint64_t> combine(std::uint8_t operation, std::uint64_t a,
                                              std::uint64_t b) {
    const auto signed_a = static_cast<std::int64_t>(a);
    const auto signed_b = static_cast<std::int64_t>(b);
    switch (operation) {
      case DW_OP_plus:
        return a + b;
      case DW_OP_minus:
        return a - b;
      case DW_OP_and:
        return a & b;
      case DW_OP_or:
        return a | b;
      case DW_OP_shl:
        return b < 64 ? a << b : 0;
      case DW_OP_shr:
        return b < 64 ? a >> b : 0;
      case DW_OP_ge:
        return signed_a >= signed_b ? 1 : 0;
      case DW_OP_gt:
        return signed_a > signed_b ? 1 : 0;
      case DW_OP_le:
        return signed_a <= signed_b ? 1 : 0;
      case DW_OP_lt:
        return signed_a < signed_b ? 1 : 0;
      case DW_OP_eq:
        return a == b ? 1 : 0;
      case DW_OP_ne:
        return a != b ? 1 : 0;
      default:
        return std::nullopt;
    }
  }

  const FrameRegisters& registers_;
  const MemoryReader& memory_;
  std::vector<std::uint64_t> stack_;
};

}  // namespace

std::optional<std::uint64_t> evaluate_expression(std::span<const std::byte> expression,
                                                 const FrameRegisters& registers,
                                                 const MemoryReader& memory,
                                                 std::optional<std::uint64_t> initial) {
  ExpressionMachine machine(registers, memory);
  if (initial) machine.push(*initial);
  return machine.run(expression);
}

}  // namespace loopscope
