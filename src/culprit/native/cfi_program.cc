#include "culprit/native/cfi_program.h"

#include <dwarf.h>

#include <span>
#include <utility>
#include <vector>

#include "culprit/native/byte_cursor.h"

namespace loopscope {
namespace {

constexpr std::size_t kMaxRemembered = 16;
constexpr std::size_t kMaxExpressions = 32;
constexpr std::size_t kMaxExpression = 256;  // bytes

/// Wrapping arithmetic: overflow of hostile numbers must be no undefined behaviour.
std::int64_t multiply(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) * static_cast<std::uint64_t>(b));
}

class CfiInterpreter {
 public:
  CfiInterpreter(const CfiCie& cie, const CfiFde& fde, std::uint64_t pc)
      : cie_(cie), fde_(fde), pc_(pc), location_(fde.begin) {}

  std::optional<CfiRow> run() {
    if (!execute(cie_.instructions)) return std::nullopt;
    initial_ = row_.rules;
    location_ = fde_.begin;
    if (!execute(fde_.instructions)) return std::nullopt;
    row_.is_signal_frame = cie_.is_signal_frame;
    row_.function_begin = fde_.begin;
    if (cie_.return_register >= kDwarfRegisters) return std::nullopt;
    if (cie_.return_register != kDwarfReturnAddress) {
      row_.rules[kDwarfReturnAddress] = row_.rules[cie_.return_register];
    }
    return row_;
  }

 private:
  /// False: malformed. Ends early, with true, once the location is past the pc.
  bool execute(std::span<const std::byte> instructions) {
    ByteCursor code(instructions);
    while (!code.at_end() && location_ <= pc_) {
      const auto opcode = code.take<std::uint8_t>();
      const std::uint8_t operand = opcode & 0x3f;
      bool good = true;
      switch (opcode & 0xc0) {
        case DW_CFA_advance_loc:
          location_ += operand * cie_.code_alignment;
          break;
        case DW_CFA_offset:
          set(operand, CfiRule::Kind::kOffset, unsigned_factored(code));
          break;
        case DW_CFA_restore:
          restore(operand);
          break;
        default:
          good = execute_extended(opcode, code);
      }
      if (!good || !code.ok()) return false;
    }
    return code.ok();
  }

  bool execute_extended(std::uint8_t opcode, ByteCursor& code) {
    switch (opcode) {
      case DW_CFA_nop:
        return true;
      case DW_CFA_set_loc: {
        // Relative to its own place in the section, which is not at hand: nobody writes it.
        return false;
      }
      case DW_CFA_advance_loc1:
        location_ += code.take<std::uint8_t>() * cie_.code_alignment;
        return true;
      case DW_CFA_advance_loc2:
        location_ += code.take<std::uint16_t>() * cie_.code_alignment;
        return true;
      case DW_CFA_advance_loc4:
        location_ += code.take<std::uint32_t>() * cie_.code_alignment;
        return true;
      case DW_CFA_remember_state:
        if (remembered_.size() >= kMaxRemembered) return false;
        remembered_.push_back(row_);
        return true;
      case DW_CFA_restore_state:
        if (remembered_.empty()) return false;
        row_ = std::move(remembered_.back());
        remembered_.pop_back();
        return true;
      case DW_CFA_GNU_args_size:
        code.take_uleb();
        return true;
      case DW_CFA_def_cfa:
      case DW_CFA_def_cfa_sf:
      case DW_CFA_def_cfa_register:
      case DW_CFA_def_cfa_offset:
      case DW_CFA_def_cfa_offset_sf:
      case DW_CFA_def_cfa_expression:
        return define_cfa(opcode, code);
      default:
        return define_register(opcode, code);
    }
  }

  bool define_cfa(std::uint8_t opcode, ByteCursor& code) {
    if (opcode == DW_CFA_def_cfa_expression) {
      row_.cfa_is_expression = true;
      return take_expression(code, row_.cfa_offset);
    }
    const bool names_register = opcode == DW_CFA_def_cfa || opcode == DW_CFA_def_cfa_sf ||
                                opcode == DW_CFA_def_cfa_register;
    if (names_register) {
      const std::uint64_t number = code.take_uleb();
      if (number >= kDwarfReturnAddress) return false;
      row_.cfa_register = number;
    }
    if (opcode == DW_CFA_def_cfa_sf || opcode == DW_CFA_def_cfa_offset_sf) {
      row_.cfa_offset = multiply(code.take_sleb(), cie_.data_alignment);
    } else if (opcode != DW_CFA_def_cfa_register) {
      row_.cfa_offset = static_cast<std::int64_t>(code.take_uleb());
    } else if (row_.cfa_is_expression) {
      return false;
    }
    row_.cfa_is_expression = false;
    return true;
  }

  bool define_register(std::uint8_t opcode, ByteCursor& code) {
    const std::uint64_t number = code.take_uleb();
    std::int64_t value = 0;
    switch (opcode) {
      case DW_CFA_offset_extended:
        set(number, CfiRule::Kind::kOffset, unsigned_factored(code));
        return true;
      case DW_CFA_offset_extended_sf:
        set(number, CfiRule::Kind::kOffset, multiply(code.take_sleb(), cie_.data_alignment));
        return true;
      case DW_CFA_GNU_negative_offset_extended:
        set(number, CfiRule::Kind::kOffset, multiply(-1, unsigned_factored(code)));
        return true;
      case DW_CFA_val_offset:
        set(number, CfiRule::Kind::kValueOffset, unsigned_factored(code));
        return true;
      case DW_CFA_val_offset_sf:
        set(number, CfiRule::Kind::kValueOffset, multiply(code.take_sleb(), cie_.data_alignment));
        return true;
      case DW_CFA_restore_extended:
        restore(number);
        return true;
      case DW_CFA_undefined:
        set(number, CfiRule::Kind::kUndefined, 0);
        return true;
      case DW_CFA_same_value:
        set(number, CfiRule::Kind::kSameValue, 0);
        return true;
      case DW_CFA_register:
        set(number, CfiRule::Kind::kRegister, static_cast<std::int64_t>(code.take_uleb()));
        return true;
      case DW_CFA_expression:
      case DW_CFA_val_expression:
        if (!take_expression(code, value)) return false;
        set(number,
            opcode == DW_CFA_expression ? CfiRule::Kind::kExpression
                                        : CfiRule::Kind::kValueExpression,
            value);
        return true;
      default:
        return false;
    }
  }

  std::int64_t unsigned_factored(ByteCursor& code) const {
    return multiply(static_cast<std::int64_t>(code.take_uleb()), cie_.data_alignment);
  }

  bool take_expression(ByteCursor& code, std::int64_t& number) {
    const auto bytes = code.take_bytes(code.take_uleb());
    if (bytes.size() > kMaxExpression || row_.expressions.size() >= kMaxExpressions) return false;
    number = static_cast<std::int64_t>(row_.expressions.size());
    row_.expressions.emplace_back(bytes.begin(), bytes.end());
    return true;
  }

  /// Vector and mask registers have higher numbers; no frame is found through them.
  void set(std::uint64_t number, CfiRule::Kind kind, std::int64_t value) {
    if (number < kDwarfRegisters) row_.rules[number] = {kind, value};
  }

  void restore(std::uint64_t number) {
    if (number < kDwarfRegisters) row_.rules[number] = initial_[number];
  }

  const CfiCie& cie_;
  const CfiFde& fde_;
  const std::uint64_t pc_;
  std::uint64_t location_;
  CfiRow row_;
  std::array<CfiRule, kDwarfRegisters> initial_;
  std::vector<CfiRow> remembered_;
};

}  // namespace

std::optional<CfiRow> run_cfi(const CfiCie& cie, const CfiFde& fde, std::uint64_t pc) {
  return CfiInterpreter(cie, fde, pc).run();
}

}  // namespace loopscope
