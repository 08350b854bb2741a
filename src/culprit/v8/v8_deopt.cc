#include "culprit/v8/v8_deopt.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace loopscope {
namespace {

constexpr std::uint32_t kMaxElements = 1U << 16;
constexpr std::uint32_t kMaxLiterals = 4096;
constexpr std::uint32_t kMaxCalls = 1U << 14;
constexpr std::size_t kMaxInstructions = 8192;
constexpr std::size_t kMaxFrames = 32;

// Translations are made of opcodes with operands. Their numbers move as V8 grows more of them;
// what does not move are the order and the last eight, so two numbers of each version tell all.
constexpr std::uint32_t kInterpretedWithReturn = 0;
constexpr std::uint32_t kInterpretedWithoutReturn = 1;
constexpr std::uint32_t kFrameWithCatch = 3;
constexpr std::uint32_t kFromEndOptimizedOut = 8;
constexpr std::uint32_t kFromEndUpdateFeedback = 2;
constexpr std::uint32_t kFromEndMatchPrevious = 1;

/// Reads the array of `size` words at `tagged`.
std::optional<std::vector<std::uint64_t>> read_words(const V8Heap& heap, std::uint64_t tagged,
                                                     std::uint32_t most) {
  const auto array = heap.object(tagged);
  const auto length = array ? heap.array_length(*array) : std::nullopt;
  if (!length || *length > most) return std::nullopt;
  std::vector<std::uint64_t> words(*length);
  if (!words.empty() && !heap.memory().read(array->address + heap.layout().array_data,
                                            std::as_writable_bytes(std::span(words)))) {
    return std::nullopt;
  }
  return words;
}

/// A row of bytes with variable-length integers in it, seven bits a byte, lowest first.
class Bytes {
 public:
  Bytes(std::span<const std::byte> bytes, std::size_t at) : bytes_(bytes), at_(at) {}

  std::size_t at() const { return at_; }
  std::optional<std::uint32_t> byte() {
    if (at_ >= bytes_.size()) return std::nullopt;
    return std::to_integer<std::uint32_t>(bytes_[at_++]);
  }
  std::optional<std::uint32_t> integer() {
    std::uint32_t value = 0;
    for (int shift = 0; shift < 35; shift += 7) {
      const auto next = byte();
      if (!next) return std::nullopt;
      value |= (*next & 0x7f) << std::min(shift, 31);
      if ((*next & 0x80) == 0) return value;
    }
    return std::nullopt;
  }

 private:
  std::span<const std::byte> bytes_;
  std::size_t at_;
};

std::int32_t with_sign(std::uint32_t raw) {
  const auto magnitude = static_cast<std::int32_t>(raw >> 1);
  return (raw & 1) != 0 ? -magnitude : magnitude;
}

std::uint32_t little_endian(std::span<const std::byte> bytes) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < bytes.size() && i < 4; ++i) {
    value |= std::to_integer<std::uint32_t>(bytes[i]) << (8 * i);
  }
  return value;
}

/// Head of the table of calls that stands behind the instructions.
struct SafepointHead {
  std::uint32_t length = 0;
  std::uint32_t form = 0;

  bool has_entries() const { return (form & 1) != 0; }
  std::uint32_t register_bytes() const { return form >> 1 & 7; }
  std::uint32_t pc_bytes() const { return form >> 4 & 7; }
  std::uint32_t index_bytes() const { return form >> 7 & 7; }
  std::uint32_t entry_bytes() const {
    return 2 * pc_bytes() + index_bytes() + 1 + register_bytes();
  }
  bool is_sound() const {
    return has_entries() && form < 1024 && length <= kMaxCalls && pc_bytes() >= 1 &&
           pc_bytes() <= 4 && index_bytes() >= 1 && index_bytes() <= 4 && register_bytes() <= 4;
  }
};

}  // namespace

std::optional<V8DeoptData> V8DeoptData::read(const V8Heap& heap, const V8Code& code) {
  const V8Layout& layout = heap.layout();
  if (layout.translation_begin == 0) return std::nullopt;
  const auto word = heap.field(code.object, layout.code_deopt_data);
  const auto object = word ? heap.object(*word) : std::nullopt;
  if (!object) return std::nullopt;
  V8DeoptData data;
  data.begin_opcode_ = layout.translation_begin;
  data.opcode_count_ = layout.translation_opcodes;
  data.interpreted_operands_ = static_cast<int>(layout.translation_frame_operands);
  data.first_exit_ = code.size;
  if (!data.read_entries(heap, *object)) return std::nullopt;
  data.read_calls(heap, code);
  return data;
}

bool V8DeoptData::read_entries(const V8Heap& heap, const V8Object& data) {
  const V8Layout& layout = heap.layout();
  const auto words = read_words(heap, data.address + 1, kMaxElements);
  constexpr std::uint32_t kEntryWords = 3;
  if (!words || words->size() < layout.deopt_first_entry) return false;
  const auto table = heap.object((*words)[0]);
  const auto bytes = table ? read_byte_array(heap, *table) : std::nullopt;
  auto literals = read_words(heap, (*words)[layout.deopt_literals], kMaxLiterals);
  if (!bytes || !literals) return false;
  inlined_functions_ = V8Heap::smi_value((*words)[1]);
  translations_ = *bytes;
  literals_ = std::move(*literals);
  for (std::size_t at = layout.deopt_first_entry; at + kEntryWords <= words->size();
       at += kEntryWords) {
    Entry entry;
    entry.bytecode_offset = V8Heap::smi_value((*words)[at]);
    const std::int32_t start = V8Heap::smi_value((*words)[at + 1]);
    entry.pc = V8Heap::smi_value((*words)[at + 2]);
    if (start < 0 || static_cast<std::size_t>(start) >= translations_.size()) return false;
    entry.translation = static_cast<std::uint32_t>(start);
    if (entry.pc >= 0) first_exit_ = std::min(first_exit_, static_cast<std::uint64_t>(entry.pc));
    entries_.push_back(entry);
    starts_.push_back(entry.translation);
  }
  std::sort(starts_.begin(), starts_.end());
  return true;
}

void V8DeoptData::read_calls(const V8Heap& heap, const V8Code& code) {
  // Four words stand in front, of which V8 13 begins with one more.
  std::array<std::uint32_t, 4> words{};
  const std::uint64_t start = (code.start + code.size + 3) / 4 * 4;
  if (!heap.memory().read(start, std::as_writable_bytes(std::span(words)))) return;
  for (const std::size_t first : {1, 0}) {
    const SafepointHead head{words[first], words[first + 1]};
    if (!head.is_sound()) continue;
    std::vector<std::byte> table(std::size_t{head.length} * head.entry_bytes());
    if (!table.empty() && !heap.memory().read(start + sizeof words, table)) continue;
    std::vector<Call> calls;
    bool is_sound = true;
    std::uint64_t last = 0;
    for (std::uint32_t i = 0; i < head.length && is_sound; ++i) {
      const auto entry = std::span(table).subspan(std::size_t{i} * head.entry_bytes());
      const std::uint64_t pc = little_endian(entry.first(head.pc_bytes()));
      const std::uint32_t index = little_endian(entry.subspan(head.pc_bytes(), head.index_bytes()));
      is_sound = pc > last && pc <= code.size && index <= entries_.size();
      last = pc;
      if (is_sound && index > 0) calls.push_back({pc, index - 1});
    }
    if (!is_sound) continue;
    calls_ = std::move(calls);
    return;
  }
}

std::optional<std::uint64_t> V8DeoptData::exit_of(std::size_t index) const {
  if (index >= entries_.size() || entries_[index].pc < 0) return std::nullopt;
  return static_cast<std::uint64_t>(entries_[index].pc);
}

std::optional<std::size_t> V8DeoptData::entry_of_call(std::uint64_t offset) const {
  const auto found = std::lower_bound(
      calls_.begin(), calls_.end(), offset,
      [](const Call& call, std::uint64_t wanted) { return call.returns_to < wanted; });
  if (found == calls_.end() || found->returns_to != offset) return std::nullopt;
  return found->entry;
}

int V8DeoptData::operands_of(std::uint32_t opcode) const {
  // Of frames: interpreted ones with what they return and without; two of builtins; then those
  // of constructors, builtins, Wasm and arguments.
  constexpr std::array kOfFrames{2, 1, 3, 4, 3, 3, 2};
  constexpr std::array kOfFramesWithoutLiftoff{2, 1, 3, 4, 3, 2};
  constexpr std::uint32_t kWithLiftoff = 14;
  constexpr std::uint32_t kWithStringConcat = 31;
  if (opcode == kInterpretedWithReturn) return interpreted_operands_ + 2;
  if (opcode == kInterpretedWithoutReturn) return interpreted_operands_;
  if (opcode <= kFrameWithCatch) return 3;
  const std::uint32_t frame = opcode - kFrameWithCatch - 1;
  if (begin_opcode_ >= kWithLiftoff) {
    if (frame < kOfFrames.size()) return kOfFrames[frame];
    if (opcode + 1 == begin_opcode_ || opcode + 2 == begin_opcode_) return 0;
  } else {
    if (frame < kOfFramesWithoutLiftoff.size()) return kOfFramesWithoutLiftoff[frame];
    if (opcode + 1 == begin_opcode_) return 0;
  }
  if (opcode + kFromEndOptimizedOut == opcode_count_) return 0;
  if (opcode + kFromEndUpdateFeedback == opcode_count_) return 2;
  // The one that joins strings came last before the registers.
  const bool joins_strings = opcode_count_ - begin_opcode_ >= kWithStringConcat;
  if (joins_strings && opcode == begin_opcode_ + 5) return 0;
  return 1;
}

std::vector<V8DeoptData::Instruction> V8DeoptData::translation(std::uint32_t start,
                                                               bool is_basis) const {
  const auto above = std::upper_bound(starts_.begin(), starts_.end(), start);
  const std::size_t end = above == starts_.end() ? translations_.size() : *above;
  Bytes bytes(translations_, start);
  const auto begin = bytes.byte();
  const auto distance = bytes.integer();
  if (!begin || !distance || !bytes.integer() || !bytes.integer()) return {};
  if (*begin != begin_opcode_ && *begin != begin_opcode_ + 1) return {};
  // What equals the translation before is not written again.
  std::vector<Instruction> basis;
  if (*distance != 0) {
    if (is_basis || *distance > start) return {};
    basis = translation(start - *distance, true);
    if (basis.empty()) return {};
  }
  std::vector<Instruction> out;
  while (bytes.at() < end) {
    if (out.size() > kMaxInstructions) return {};
    Instruction next;
    next.opcode = *bytes.byte();
    std::uint32_t matching = 0;
    if (next.opcode >= opcode_count_) {
      matching = next.opcode - opcode_count_;
    } else if (next.opcode + kFromEndMatchPrevious == opcode_count_) {
      const auto count = bytes.integer();
      if (!count) return {};
      matching = *count;
    }
    if (matching != 0) {
      if (matching > basis.size() || out.size() > basis.size() - matching) return {};
      const auto from = basis.begin() + static_cast<std::ptrdiff_t>(out.size());
      out.insert(out.end(), from, from + static_cast<std::ptrdiff_t>(matching));
      continue;
    }
    const int operands = operands_of(next.opcode);
    for (int i = 0; i < operands; ++i) {
      const auto operand = bytes.integer();
      if (!operand) return {};
      if (i == 0) next.first = with_sign(*operand);
      if (i == 1) next.second = with_sign(*operand);
    }
    out.push_back(next);
  }
  // Read with the wrong numbers of operands, it does not end where the next begins.
  return bytes.at() == end ? out : std::vector<Instruction>{};
}

std::vector<V8VirtualFrame> V8DeoptData::frames(std::size_t index) const {
  if (index >= entries_.size()) return {};
  std::vector<V8VirtualFrame> out;
  for (const Instruction& instruction : translation(entries_[index].translation, false)) {
    if (instruction.opcode > kInterpretedWithoutReturn) continue;
    const auto literal = static_cast<std::size_t>(instruction.second);
    if (instruction.second < 0 || literal >= literals_.size() || out.size() >= kMaxFrames)
      return {};
    // The literal may be a weak pointer.
    out.push_back({literals_[literal] & ~std::uint64_t{2}, instruction.first});
  }
  // V8 also keeps the innermost one's offset apart.
  if (out.empty() || out.back().bytecode_offset != entries_[index].bytecode_offset) return {};
  return out;
}

}  // namespace loopscope
