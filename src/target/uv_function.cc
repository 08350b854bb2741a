#include "target/uv_function.h"

#include <capstone/x86.h>

#include <algorithm>
#include <cstring>

namespace loopscope {
namespace {

using Kind = CodeInstruction::Kind;
using OperandKind = CodeOperand::Kind;

constexpr std::size_t kMaxFunctionBytes = 64 * 1024;
constexpr std::size_t kUnknownFunctionBytes = 16 * 1024;
constexpr std::size_t kMaxJumpTableEntries = 64;
constexpr std::size_t kPrologueInstructions = 48;

bool ends_flow(Kind kind) {
  return kind == Kind::kJump || kind == Kind::kReturn || kind == Kind::kTrap;
}

bool is_rip_relative(const CodeOperand& op) {
  return op.kind == OperandKind::kMemory && op.reg == X86_REG_RIP;
}

std::uint64_t rip_target(const CodeInstruction& insn, const CodeOperand& op) {
  return insn.next() + static_cast<std::uint64_t>(op.value);
}

template <typename T>
std::optional<T> read_value(const CodeImage& image, std::uint64_t address) {
  std::byte bytes[sizeof(T)];
  if (image.read_at(address, bytes) != sizeof(T)) return std::nullopt;
  T value;
  std::memcpy(&value, bytes, sizeof(T));
  return value;
}

}  // namespace

Result<UvFunction> UvFunction::load(const CodeImage& image, CodeImage::Function where) {
  const std::size_t size = where.size == 0 ? kUnknownFunctionBytes
                                           : std::min<std::size_t>(where.size, kMaxFunctionBytes);
  std::vector<std::byte> bytes(size);
  bytes.resize(image.read_at(where.address, bytes));
  auto code = disassemble_x86_64(bytes, where.address);
  if (!code) return code.error();
  if (code->empty()) return Error{"no x86-64 code at the function's address"};

  UvFunction function;
  function.code_ = std::move(*code);
  if (where.size == 0) function.trim_to_own_end();
  for (std::size_t i = 0; i < function.code_.size(); ++i) {
    function.index_[function.code_[i].address] = i;
  }
  function.successors_.resize(function.code_.size());
  for (std::size_t i = 0; i < function.code_.size(); ++i) {
    function.successors_[i] = function.successors(image, i);
  }
  return function;
}

void UvFunction::trim_to_own_end() {
  const std::uint64_t start = code_.front().address;
  std::uint64_t furthest = start;
  for (std::size_t i = 0; i < code_.size(); ++i) {
    const CodeInstruction& insn = code_[i];
    if (insn.kind == Kind::kJump || insn.kind == Kind::kConditionalJump) {
      const auto target = insn.direct_target();
      // A far jump is a tail call or a cold part elsewhere, not our own end.
      if (target && *target > furthest && *target < start + kUnknownFunctionBytes) {
        furthest = *target;
      }
    }
    const bool padding_follows = i + 1 < code_.size() && code_[i + 1].kind == Kind::kPadding;
    const bool may_end = ends_flow(insn.kind) || (insn.kind == Kind::kCall && padding_follows);
    if (may_end && insn.next() > furthest) {
      code_.resize(i + 1);
      return;
    }
  }
}

std::vector<std::uint64_t> UvFunction::successors(const CodeImage& image, std::size_t index) const {
  const CodeInstruction& insn = code_[index];
  switch (insn.kind) {
    case Kind::kReturn:
    case Kind::kTrap:
      return {};
    case Kind::kJump:
      if (const auto target = insn.direct_target()) return {*target};
      return jump_table(image, index);
    case Kind::kConditionalJump:
      if (const auto target = insn.direct_target()) return {insn.next(), *target};
      return {insn.next()};
    default:
      return {insn.next()};
  }
}

// The two forms compilers emit for a switch: a table of absolute addresses
// (jmp [table + reg*8], position-dependent code) and a table of 32-bit distances from
// its own start (lea table; movslq; add; jmp reg).
std::vector<std::uint64_t> UvFunction::jump_table(const CodeImage& image, std::size_t index) const {
  const CodeOperand& op = code_[index].operands[0];
  std::vector<std::uint64_t> targets;
  const auto add = [this, &targets](std::uint64_t target) {
    if (index_.count(target) == 0) return false;
    targets.push_back(target);
    return true;
  };
  if (op.kind == OperandKind::kMemory && op.reg == X86_REG_INVALID && op.scale == 8) {
    const auto table = static_cast<std::uint64_t>(op.value);
    for (std::size_t i = 0; i < kMaxJumpTableEntries; ++i) {
      const auto entry = read_value<std::uint64_t>(image, table + i * sizeof(std::uint64_t));
      if (!entry || !add(*entry)) break;
    }
  } else if (op.kind == OperandKind::kRegister) {
    for (std::size_t back = index; back-- > 0 && index - back <= 12;) {
      const CodeInstruction& lea = code_[back];
      if (lea.id != X86_INS_LEA || !is_rip_relative(lea.operands[1])) continue;
      const std::uint64_t table = rip_target(lea, lea.operands[1]);
      for (std::size_t i = 0; i < kMaxJumpTableEntries; ++i) {
        const auto entry = read_value<std::int32_t>(image, table + i * sizeof(std::int32_t));
        if (!entry || !add(table + static_cast<std::uint64_t>(std::int64_t{*entry}))) break;
      }
      break;
    }
  }
  return targets;
}

std::vector<const CodeInstruction*> UvFunction::calls() const {
  std::vector<const CodeInstruction*> out;
  for (const CodeInstruction& insn : code_) {
    if (insn.kind == Kind::kCall) out.push_back(&insn);
  }
  return out;
}

bool UvFunction::has_indirect_call() const {
  const auto all = calls();
  return std::any_of(all.begin(), all.end(),
                     [](const CodeInstruction* call) { return !call->direct_target(); });
}

bool UvFunction::touches(std::uint64_t displacement) const {
  const auto hits = [displacement](const CodeOperand& op) {
    return op.kind == OperandKind::kMemory && op.reg != X86_REG_RIP && op.reg != X86_REG_RSP &&
           op.reg != X86_REG_INVALID && op.index == 0 &&
           op.value == static_cast<std::int64_t>(displacement);
  };
  return std::any_of(code_.begin(), code_.end(), [&hits](const CodeInstruction& insn) {
    return hits(insn.operands[0]) || hits(insn.operands[1]);
  });
}

void UvFunction::walk_calls(std::uint64_t address,
                            const std::function<bool(const CodeInstruction&)>& visit) const {
  std::vector<std::uint64_t> pending = {address};
  std::set<std::uint64_t> seen;
  while (!pending.empty()) {
    const std::uint64_t here = pending.back();
    pending.pop_back();
    const auto it = index_.find(here);
    if (it == index_.end() || !seen.insert(here).second) continue;
    const CodeInstruction& insn = code_[it->second];
    if (insn.kind == Kind::kCall && !visit(insn)) continue;
    const auto& next = successors_[it->second];
    pending.insert(pending.end(), next.begin(), next.end());
  }
}

std::optional<std::uint64_t> UvFunction::frame_size() const {
  std::uint64_t size = 0;
  std::uint64_t probed_to = 0;  // stack-clash probing: lea r, [rsp - N] and a loop down to it
  bool allocated = false;
  for (std::size_t i = 0; i < std::min(code_.size(), kPrologueInstructions); ++i) {
    const CodeInstruction& insn = code_[i];
    const CodeOperand& to = insn.operands[0];
    const CodeOperand& from = insn.operands[1];
    if (insn.kind == Kind::kCall) return std::nullopt;
    if (insn.id == X86_INS_PUSH) {
      if (allocated) return std::nullopt;
      size += 8;
    } else if (insn.id == X86_INS_LEA && from.kind == OperandKind::kMemory &&
               from.reg == X86_REG_RSP && from.index == 0 && from.value < 0 &&
               to.reg != X86_REG_RSP) {
      probed_to = static_cast<std::uint64_t>(-from.value);
    } else if (insn.id == X86_INS_SUB && to.kind == OperandKind::kRegister &&
               to.reg == X86_REG_RSP) {
      if (from.kind != OperandKind::kImmediate || from.value < 0) return std::nullopt;
      if (probed_to != 0 && from.value == 0x1000) {
        size += std::exchange(probed_to, 0);
        continue;
      }
      size += static_cast<std::uint64_t>(from.value);
      allocated = true;
    } else if (allocated && (insn.kind == Kind::kConditionalJump || insn.kind == Kind::kJump)) {
      break;
    }
  }
  if (!allocated) return std::nullopt;
  return size;
}

std::optional<std::uint64_t> UvFunction::spill_of_field(std::uint64_t displacement) const {
  const auto frame = frame_size();
  for (std::size_t i = 0; i < code_.size(); ++i) {
    const CodeInstruction& load = code_[i];
    if (load.id != X86_INS_MOV || load.operands[0].kind != OperandKind::kRegister ||
        load.operands[1].kind != OperandKind::kMemory ||
        load.operands[1].value != static_cast<std::int64_t>(displacement)) {
      continue;
    }
    for (std::size_t j = i + 1; j < std::min(i + 6, code_.size()); ++j) {
      const CodeInstruction& store = code_[j];
      if (store.id != X86_INS_MOV || store.operands[0].kind != OperandKind::kMemory ||
          store.operands[1].kind != OperandKind::kRegister ||
          store.operands[1].reg != load.operands[0].reg || store.operands[0].index != 0) {
        continue;
      }
      const CodeOperand& slot = store.operands[0];
      // rbp holds the frame's base only after `push rbp; mov rbp, rsp`.
      const bool has_base = code_.size() > 1 && code_[0].id == X86_INS_PUSH &&
                            code_[0].operands[0].reg == X86_REG_RBP;
      if (slot.reg == X86_REG_RBP && has_base && slot.value < 0) {
        return static_cast<std::uint64_t>(-slot.value) + 8;
      }
      if (slot.reg == X86_REG_RSP && frame && slot.value >= 0 &&
          static_cast<std::uint64_t>(slot.value) < *frame) {
        return *frame - static_cast<std::uint64_t>(slot.value);
      }
    }
  }
  return std::nullopt;
}

std::optional<std::string> imported_callee(const CodeImage& image, const CodeInstruction& call) {
  if (is_rip_relative(call.operands[0])) {
    return image.import_in_slot(rip_target(call, call.operands[0]));
  }
  const auto stub = call.direct_target();
  if (!stub) return std::nullopt;
  std::byte bytes[32];
  const std::size_t size = image.read_at(*stub, bytes);
  const auto code = disassemble_x86_64(std::span(bytes, size), *stub);
  if (!code) return std::nullopt;
  // A stub is one indirect jump, after an optional endbr64.
  for (std::size_t i = 0; i < std::min<std::size_t>(code->size(), 2); ++i) {
    const CodeInstruction& insn = (*code)[i];
    if (insn.kind == Kind::kJump && is_rip_relative(insn.operands[0])) {
      return image.import_in_slot(rip_target(insn, insn.operands[0]));
    }
  }
  return std::nullopt;
}

}  // namespace loopscope
