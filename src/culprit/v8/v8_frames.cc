#include "culprit/v8/v8_frames.h"

#include <cstring>
#include <utility>

#include "culprit/v8/v8_position_table.h"

namespace loopscope {
namespace {

constexpr int kMaxInlined = 32;
constexpr std::uint32_t kMaxBytecodes = 1U << 20;

}  // namespace

std::optional<V8FrameWords> V8Frames::read(std::uint64_t fp, std::uint64_t pc) const {
  constexpr std::uint64_t kBelow = 40;
  std::array<std::uint64_t, 7> words{};
  const RemoteRead piece{fp - kBelow, words.data(), sizeof words};
  if (fp < kBelow || !heap_.memory().read_many({&piece, 1})) return std::nullopt;
  V8FrameWords frame;
  frame.fp = fp;
  frame.pc = pc;
  frame.bytecode_offset = words[0];
  frame.bytecode_array = words[1];
  frame.function = words[3];
  frame.marker = words[4];
  frame.caller_fp = words[5];
  frame.return_pc = words[6];
  return frame;
}

const V8Frames::Function* V8Frames::function(std::uint64_t tagged_shared) {
  const auto [entry, is_new] = functions_.try_emplace(tagged_shared);
  if (is_new) {
    if (auto facts = read_function(heap_, tagged_shared)) {
      std::string file = facts->script ? V8Scripts::file_of(heap_, *facts->script) : "";
      entry->second = Function{std::move(*facts), std::move(file)};
    }
  }
  return entry->second ? &*entry->second : nullptr;
}

V8Frame V8Frames::frame_of(const Function& function, std::optional<std::uint32_t> position) {
  V8Frame frame;
  frame.frame.kind = "js";
  frame.frame.function = function.facts.name;
  frame.frame.file = function.file;
  if (function.file.empty()) return frame;
  if (function.file.starts_with("wasm://")) {
    // What JavaScript calls of a module is a function whose name is its number.
    frame.frame.function = "wasm-function[" + function.facts.name + "]";
    return frame;
  }
  frame.is_user = !V8Scripts::is_internal(function.file);
  // Code before the first entry of a position table is the function's entry.
  if (!position) position = function.facts.start;
  if (position) {
    const auto [line, is_new] = lines_.try_emplace({function.facts.script->address, *position}, 0);
    if (is_new) line->second = scripts_.line_of(heap_, *function.facts.script, *position);
    frame.frame.line = line->second;
  }
  return frame;
}

std::optional<V8Frame> V8Frames::name_function(std::uint64_t tagged) {
  const auto object = heap_.function(tagged);
  const auto shared = object ? shared_of(heap_, *object) : std::nullopt;
  const Function* found = shared ? function(*shared) : nullptr;
  if (found == nullptr) return std::nullopt;
  return frame_of(*found, std::nullopt);
}

std::vector<V8Frame> V8Frames::optimized_frames(const V8Code& code, std::uint64_t pc,
                                                std::optional<std::uint64_t> expected_shared) {
  const V8Layout& layout = heap_.layout();
  const auto positions = heap_.field(code.object, layout.code_positions);
  const auto deopt_word = heap_.field(code.object, layout.code_deopt_data);
  const auto deopt = deopt_word ? heap_.object(*deopt_word) : std::nullopt;
  if (!positions || !deopt) return {};
  const auto outer_word = heap_.array_element(*deopt, layout.deopt_shared);
  const Function* outer = outer_word ? function(*outer_word) : nullptr;
  if (outer == nullptr || (expected_shared && outer->facts.shared.address != *expected_shared)) {
    return {};
  }

  std::optional<V8Position> position;
  if (const auto array = heap_.object(*positions)) {
    if (const auto table = read_byte_array(heap_, *array)) {
      position = find_position(*table, static_cast<std::int64_t>(pc - code.start));
    }
  }
  std::vector<V8Frame> frames;
  for (int depth = 0; position && position->inlining_id >= 0; ++depth) {
    if (depth >= kMaxInlined) return {};
    const auto inlining_word = heap_.array_element(*deopt, layout.deopt_inlining);
    const auto literals_word = heap_.array_element(*deopt, layout.deopt_literals);
    const auto inlining = inlining_word ? heap_.object(*inlining_word) : std::nullopt;
    const auto literals = literals_word ? heap_.object(*literals_word) : std::nullopt;
    if (!inlining || !literals) return {};
    // Records of {position, index of the function among the literals}.
    constexpr std::uint64_t kRecord = 16;
    const auto length = heap_.array_length(*inlining);
    const std::uint64_t at = static_cast<std::uint64_t>(position->inlining_id) * kRecord;
    if (!length || at + kRecord > *length) return {};
    std::uint64_t raw = 0;
    std::int32_t index = 0;
    const std::uint64_t record = inlining->address + layout.array_data + at;
    const std::array pieces{RemoteRead{record, &raw, 8}, RemoteRead{record + 8, &index, 4}};
    if (!heap_.memory().read_many(pieces)) return {};
    // Below 0: a part of the outer function itself, like the body of a loop that was peeled.
    if (index >= 0) {
      const auto literal = heap_.array_element(*literals, static_cast<std::uint32_t>(index));
      const Function* inlined = literal ? function(*literal & ~std::uint64_t{2}) : nullptr;
      if (inlined == nullptr) return {};
      frames.push_back(frame_of(*inlined, position->offset));
    }
    position = decode_position(raw);
  }
  frames.push_back(
      frame_of(*outer, position ? std::optional<std::uint32_t>(position->offset) : std::nullopt));
  return frames;
}

std::vector<V8Frame> V8Frames::name_code(std::uint64_t pc) {
  const auto found = code(pc);
  if (!found || found->kind != V8Code::Kind::kOptimized) return {};
  return optimized_frames(*found, pc, std::nullopt);
}

std::optional<std::uint32_t> V8Frames::bytecode_position(const V8Object& bytecodes,
                                                         std::int64_t offset) const {
  const auto word = heap_.field(bytecodes, heap_.layout().bytecode_positions);
  const auto array = word ? heap_.object(*word) : std::nullopt;
  const auto table = array ? read_byte_array(heap_, *array) : std::nullopt;
  const auto position = table ? find_position(*table, offset) : std::nullopt;
  return position ? std::optional<std::uint32_t>(position->offset) : std::nullopt;
}

std::optional<std::uint32_t> V8Frames::interpreter_position(const V8FrameWords& words,
                                                            const V8Object& bytecodes,
                                                            const StackRegisters& registers) const {
  // Offsets count from the tagged pointer.
  const std::int64_t bias = std::int64_t{heap_.layout().bytecode_data} - 1;
  const auto length = heap_.array_length(bytecodes);
  if (!length) return std::nullopt;
  // While a bytecode's handler runs, the registers know better than the frame.
  if (words.is_top && registers.has_all && registers.r12 == words.bytecode_array) {
    const std::int64_t offset = static_cast<std::int64_t>(registers.r9) - bias;
    if (offset >= 0 && offset < *length) return bytecode_position(bytecodes, offset);
  }
  const std::int64_t offset = V8Heap::smi_value(words.bytecode_offset) - bias;
  return bytecode_position(bytecodes, offset);
}

std::optional<std::uint32_t> V8Frames::baseline_position(const V8Code& code, std::uint64_t pc,
                                                         const V8FrameWords& words) const {
  const V8Layout& layout = heap_.layout();
  const auto array = heap_.object_of(words.bytecode_array, layout.type_bytecode_array);
  const auto table_word = heap_.field(code.object, layout.code_positions);
  const auto table = table_word ? heap_.object(*table_word) : std::nullopt;
  if (!array || !table || layout.bytecode_sizes.empty()) return std::nullopt;
  const auto pcs = read_byte_array(heap_, *table);
  const auto length = heap_.array_length(*array);
  if (!pcs || !length || *length == 0 || *length > kMaxBytecodes) return std::nullopt;
  std::vector<std::byte> bytecodes(*length);
  if (!heap_.memory().read(array->address + layout.bytecode_data, bytecodes)) return std::nullopt;
  const auto offset = find_baseline_bytecode(*pcs, bytecodes, layout.bytecode_sizes,
                                             layout.bytecode_count, pc - code.start);
  return offset ? bytecode_position(*array, *offset) : std::nullopt;
}

std::vector<V8Frame> V8Frames::name_anew(const V8FrameWords& words, V8CodeKind kind,
                                         const StackRegisters& registers) {
  const V8Layout& layout = heap_.layout();
  const auto object = heap_.function(words.function);
  const auto shared = object ? shared_of(heap_, *object) : std::nullopt;
  const Function* callee = shared ? function(*shared) : nullptr;
  if (callee == nullptr) return {};
  if (kind == V8CodeKind::kJit) {
    const auto found = code(words.pc);
    if (!found || found->kind == V8Code::Kind::kOther) return {};
    if (found->kind == V8Code::Kind::kOptimized) {
      return optimized_frames(*found, words.pc, callee->facts.shared.address);
    }
    const auto position = baseline_position(*found, words.pc, words);
    V8Frame frame = frame_of(*callee, position);
    if (!position) frame.frame.line = 0;
    return {std::move(frame)};
  }
  // A baseline frame has its feedback where an interpreted one has the offset.
  if (V8Heap::is_smi(words.bytecode_offset)) {
    if (const auto bytecodes = heap_.object_of(words.bytecode_array, layout.type_bytecode_array)) {
      return {frame_of(*callee, interpreter_position(words, *bytecodes, registers))};
    }
  }
  V8Frame frame = frame_of(*callee, std::nullopt);
  frame.frame.line = 0;
  return {std::move(frame)};
}

std::vector<V8Frame> V8Frames::name(const V8FrameWords& words, V8CodeKind kind,
                                    const StackRegisters& registers) {
  if (words.is_top) return name_anew(words, kind, registers);
  const auto [entry, is_new] =
      named_.try_emplace({words.pc, words.function, words.bytecode_array, words.bytecode_offset});
  if (is_new) entry->second = name_anew(words, kind, registers);
  return entry->second;
}

}  // namespace loopscope
