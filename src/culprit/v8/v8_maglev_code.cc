#include "culprit/v8/v8_maglev_code.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <iterator>
#include <limits>
#include <span>
#include <utility>

#include "culprit/v8/v8_function.h"

namespace loopscope {
namespace {

/// Longer code is not read.
constexpr std::uint64_t kMaxSize = std::uint64_t{1} << 16;
/// How far behind the jump that left it the main line may be entered again.
constexpr std::uint64_t kMaxSkipped = 48;
/// How far in front of the jump back the check of a loop may stand.
constexpr std::uint64_t kMaxBehindCheck = 192;
constexpr std::uint32_t kMaxBytecodes = 1U << 20;

bool is_unconditional(const CodeInstruction& instruction) {
  return instruction.kind == CodeInstruction::Kind::kJump ||
         instruction.kind == CodeInstruction::Kind::kReturn ||
         instruction.kind == CodeInstruction::Kind::kTrap;
}

/// Whether at `offset` there is an entry of a switch's table. V8 puts these tables amid the code,
/// at multiples of eight: absolute addresses of places in the same code.
bool is_table_entry(std::span<const std::byte> code, std::uint64_t start, std::uint64_t offset) {
  std::uint64_t address = 0;
  if (offset + sizeof address > code.size()) return false;
  std::memcpy(&address, code.data() + offset, sizeof address);
  return address >= start && address - start < code.size();
}

/// The instructions between the tables, by their offsets from `start`. Absent: some of the bytes
/// are none; what stands behind them would be missing.
std::optional<std::vector<CodeInstruction>> disassemble(std::span<const std::byte> code,
                                                        std::uint64_t start) {
  std::vector<CodeInstruction> out;
  std::uint64_t begin = 0;
  for (std::uint64_t at = 0; at <= code.size(); at += sizeof(std::uint64_t)) {
    const bool is_end = code.size() - at < sizeof(std::uint64_t);
    if (!is_end && !is_table_entry(code, start, at)) continue;
    const std::uint64_t end = is_end ? code.size() : at;
    if (begin < end) {
      const auto part = disassemble_x86_64(code.subspan(begin, end - begin), begin);
      if (!part || part->empty() || part->back().next() != end) return std::nullopt;
      out.insert(out.end(), part->begin(), part->end());
    }
    begin = end + sizeof(std::uint64_t);
  }
  return out;
}

/// Where the jump back at `offset` leads: it has the distance in one byte, or in two or four
/// behind a prefix.
std::optional<std::int32_t> loop_header(const V8Heap& heap, const V8Object& bytecodes,
                                        std::int32_t offset) {
  const auto length = heap.array_length(bytecodes);
  std::array<std::uint8_t, 6> code{};
  if (!length || offset < 0 || offset + code.size() > *length + std::uint64_t{code.size()} - 2) {
    return std::nullopt;
  }
  const std::size_t there =
      std::min<std::size_t>(code.size(), *length - static_cast<std::uint32_t>(offset));
  const std::uint64_t at =
      bytecodes.address + heap.layout().bytecode_data + static_cast<std::uint32_t>(offset);
  if (!heap.memory().read(at, std::as_writable_bytes(std::span(code)).first(there))) {
    return std::nullopt;
  }
  std::uint32_t distance = code[1];
  std::int32_t from = offset;
  if (code[0] < 4) {
    // Wide, extra wide, and the same for debuggers.
    const bool is_wide = code[0] % 2 == 0;
    distance = code[2] | static_cast<std::uint32_t>(code[3]) << 8;
    if (!is_wide) {
      distance |= static_cast<std::uint32_t>(code[4]) << 16 | static_cast<std::uint32_t>(code[5])
                                                                  << 24;
    }
    ++from;
  }
  const std::int64_t header = std::int64_t{from} - distance;
  if (distance == 0 || header < 0) return std::nullopt;
  return static_cast<std::int32_t>(header);
}

/// The same function, called from the same places.
bool same_function(const std::vector<V8VirtualFrame>& a, const std::vector<V8VirtualFrame>& b) {
  if (a.empty() || a.size() != b.size()) return false;
  return std::equal(a.begin(), a.end() - 1, b.begin()) && a.back().shared == b.back().shared;
}

}  // namespace

std::optional<V8MaglevCode> V8MaglevCode::read(const V8Heap& heap, const V8Code& code) {
  auto deopt = V8DeoptData::read(heap, code);
  if (!deopt) return std::nullopt;
  V8MaglevCode out(std::move(*deopt));
  out.start_ = code.start;
  const auto word = heap.field(code.object, heap.layout().code_deopt_data);
  const auto data = word ? heap.object(*word) : std::nullopt;
  const auto shared = data ? heap.array_element(*data, heap.layout().deopt_shared) : std::nullopt;
  if (!shared) return std::nullopt;
  out.outer_ = V8VirtualFrame{*shared, 0};
  if (const auto bytecodes = bytecodes_of(heap, *shared)) {
    out.outer_last_ = static_cast<std::int32_t>(
        std::min(heap.array_length(*bytecodes).value_or(0), kMaxBytecodes));
  }
  return out;
}

const std::vector<V8VirtualFrame>& V8MaglevCode::frames(std::size_t entry) {
  const auto [found, is_new] = frames_.try_emplace(entry);
  if (is_new) {
    found->second = deopt_.frames(entry);
    // Wrapped or not, it is the same function.
    for (V8VirtualFrame& frame : found->second) {
      if (found->second.size() == 1 && outer_) frame.shared = outer_->shared;
    }
  }
  return found->second;
}

bool V8MaglevCode::analyse(const V8Heap& heap) {
  if (std::exchange(is_analysed_, true)) return !marks_.empty();
  const std::uint64_t size = deopt_.first_exit();
  if (size == 0 || size > kMaxSize) return false;
  std::vector<std::byte> bytes(size);
  if (!heap.memory().read(start_, bytes)) return false;
  const auto code = disassemble(bytes, start_);
  if (!code) return false;
  find_asides(*code);
  find_loops(*code);
  find_marks(*code);
  return !marks_.empty();
}

void V8MaglevCode::find_asides(const std::vector<CodeInstruction>& code) {
  for (const CodeInstruction& jump : code) {
    const auto target = jump.direct_target();
    if (jump.kind != CodeInstruction::Kind::kConditionalJump || !target) continue;
    if (*target <= jump.address || *target >= deopt_.first_exit()) continue;
    auto at = std::lower_bound(code.begin(), code.end(), *target,
                               [](const CodeInstruction& instruction, std::uint64_t wanted) {
                                 return instruction.address < wanted;
                               });
    if (at == code.end() || at->address != *target) continue;
    at = std::find_if(at, code.end(), is_unconditional);
    if (at == code.end() || at->kind != CodeInstruction::Kind::kJump) continue;
    const auto back = at->direct_target();
    if (!back || *back < jump.next() || *back > jump.next() + kMaxSkipped || *back > *target) {
      continue;
    }
    asides_.push_back({*target, at->next(), jump.address});
  }
}

void V8MaglevCode::find_loops(const std::vector<CodeInstruction>& code) {
  for (const CodeInstruction& jump : code) {
    const auto target = jump.direct_target();
    const bool jumps = jump.kind == CodeInstruction::Kind::kJump ||
                       jump.kind == CodeInstruction::Kind::kConditionalJump;
    if (!jumps || !target || *target > jump.address) continue;
    if (in_main_line(jump.address) != jump.address) continue;
    loops_.push_back({*target, jump.next()});
  }
}

void V8MaglevCode::find_marks(const std::vector<CodeInstruction>& code) {
  for (const V8DeoptData::Call& call : deopt_.calls()) {
    if (call.returns_to == 0) continue;
    marks_.push_back({in_main_line(call.returns_to - 1), call.entry, true});
  }
  std::map<std::uint64_t, std::size_t> exits;
  for (std::size_t i = 0; i < deopt_.size(); ++i) {
    if (const auto exit = deopt_.exit_of(i)) exits.emplace(*exit, i);
  }
  for (const CodeInstruction& jump : code) {
    const auto target = jump.direct_target();
    if (jump.kind != CodeInstruction::Kind::kConditionalJump || !target) continue;
    const auto exit = exits.find(*target);
    if (exit != exits.end()) marks_.push_back({in_main_line(jump.address), exit->second, false});
  }
  std::stable_sort(marks_.begin(), marks_.end(),
                   [](const Mark& a, const Mark& b) { return a.offset < b.offset; });
}

std::uint64_t V8MaglevCode::in_main_line(std::uint64_t offset) const {
  for (const Aside& aside : asides_) {
    if (offset >= aside.begin && offset < aside.end) return aside.jumped_from;
  }
  return offset;
}

const V8MaglevCode::Loop* V8MaglevCode::innermost_loop(std::uint64_t offset) const {
  const Loop* found = nullptr;
  for (const Loop& loop : loops_) {
    if (offset < loop.begin || offset >= loop.end) continue;
    if (found == nullptr || loop.end - loop.begin < found->end - found->begin) found = &loop;
  }
  return found;
}

std::optional<V8CodePlace> V8MaglevCode::at(const V8Heap& heap, std::uint64_t offset,
                                            bool is_call) {
  if (const auto entry = is_call ? deopt_.entry_of_call(offset + 1) : std::nullopt) {
    V8CodePlace place;
    place.frames = frames(*entry);
    if (place.frames.empty()) return std::nullopt;
    place.last = place.frames.back().bytecode_offset;
    place.offset = offset;
    return place;
  }
  const bool is_readable = analyse(heap);
  offset = in_main_line(offset);
  auto place = is_readable ? between_marks(heap, offset) : std::nullopt;
  if (!place && !deopt_.has_inlined_functions() && outer_) {
    place.emplace();
    place->frames = {*outer_};
    place->last = std::numeric_limits<std::int32_t>::max();
  }
  if (!place) return std::nullopt;
  place->offset = offset;
  place->is_in_loop = innermost_loop(offset) != nullptr;
  std::int32_t& from = place->frames.back().bytecode_offset;
  from = std::max(from, 0);
  // Out of order: anywhere in the function.
  if (place->last < from) {
    from = 0;
    place->last = std::numeric_limits<std::int32_t>::max();
  }
  return place;
}

std::optional<V8CodePlace> V8MaglevCode::between_marks(const V8Heap& heap, std::uint64_t offset) {
  if (!outer_) return std::nullopt;
  // The stretch of code that is looked at: a turn of the innermost loop, or all of it.
  std::uint64_t begin = 0;
  std::uint64_t end = deopt_.first_exit();
  std::vector<V8VirtualFrame> first{*outer_};
  std::vector<V8VirtualFrame> last{V8VirtualFrame{outer_->shared, outer_last_}};
  if (const Loop* loop = innermost_loop(offset)) {
    begin = loop->begin;
    end = loop->end;
    const auto behind = std::lower_bound(
        marks_.begin(), marks_.end(), end,
        [](const Mark& mark, std::uint64_t wanted) { return mark.offset < wanted; });
    const auto check = std::find_if(std::make_reverse_iterator(behind), marks_.rend(),
                                    [](const Mark& mark) { return mark.is_exact; });
    if (check == marks_.rend() || check->offset < begin || check->offset + kMaxBehindCheck < end ||
        innermost_loop(check->offset) != loop) {
      return std::nullopt;
    }
    last = frames(check->entry);
    if (last.empty()) return std::nullopt;
    const auto bytecodes = bytecodes_of(heap, last.back().shared);
    const auto header =
        bytecodes ? loop_header(heap, *bytecodes, last.back().bytecode_offset) : std::nullopt;
    if (!header) return std::nullopt;
    first = last;
    first.back().bytecode_offset = *header;
  }
  for (const Mark& mark : marks_) {
    if (mark.offset < begin || mark.offset >= end) continue;
    const auto& here = frames(mark.entry);
    if (here.empty()) continue;
    if (mark.offset < offset || (mark.offset == offset && !mark.is_exact)) {
      // A check may start again from far before.
      const bool is_earlier =
          same_function(here, first) && here.back().bytecode_offset < first.back().bytecode_offset;
      if (!is_earlier) first = here;
    } else if (mark.is_exact) {
      last = here;
      break;
    }
  }
  if (!same_function(first, last)) return std::nullopt;
  V8CodePlace place;
  place.frames = std::move(first);
  place.last = last.back().bytecode_offset;
  return place;
}

}  // namespace loopscope
