#include "culprit/v8/v8_frames.h"

#include <algorithm>
#include <utility>

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
      V8Scripts::Name name;
      if (facts->script) name = V8Scripts::name_of(heap_, *facts->script);
      entry->second = Function{std::move(*facts), std::move(name.file), name.is_by_url};
    }
  }
  return entry->second ? &*entry->second : nullptr;
}

V8Frame V8Frames::frame_of(const Function& function, std::optional<std::uint32_t> position) {
  V8Frame frame;
  frame.frame.kind = "js";
  frame.frame.function = function.facts.name;
  frame.frame.file = function.file;
  if (function.file.empty()) {
    frame.is_made = function.facts.script.has_value();
    return frame;
  }
  if (function.file.starts_with("wasm://")) {
    // What JavaScript calls of a module is a function whose name is its number.
    frame.frame.function = "wasm-function[" + function.facts.name + "]";
    return frame;
  }
  frame.is_user = !V8Scripts::is_internal(function.file);
  frame.is_named_by_url = function.is_named_by_url;
  frame.script = function.facts.script->address;
  if (function.facts.start) frame.frame.function_line = line_of(function, *function.facts.start);
  if (position) frame.frame.line = line_of(function, *position);
  return frame;
}

int V8Frames::line_of(const Function& function, std::uint32_t position) {
  const auto [line, is_new] = lines_.try_emplace({function.facts.script->address, position}, 0);
  if (is_new) line->second = scripts_.line_of(heap_, *function.facts.script, position);
  return line->second;
}

std::optional<V8Frame> V8Frames::name_function(std::uint64_t tagged) {
  const auto object = heap_.function(tagged);
  const auto shared = object ? shared_of(heap_, *object) : std::nullopt;
  const Function* found = shared ? function(*shared) : nullptr;
  if (found == nullptr) return std::nullopt;
  return frame_of(*found, std::nullopt);
}

std::optional<V8Position> V8Frames::code_position(const V8Code& code, std::uint64_t offset) const {
  const V8Layout& layout = heap_.layout();
  const auto word = heap_.field(code.object, layout.code_positions);
  const auto array = word ? heap_.object(*word) : std::nullopt;
  const auto table = array ? read_byte_array(heap_, *array) : std::nullopt;
  if (!table) return std::nullopt;
  return find_position(*table, layout.code_steps, static_cast<std::int64_t>(offset));
}

bool V8Frames::has_inlined_functions(const V8Code& code) const {
  constexpr std::uint32_t kInlinedFunctionCount = 1;
  const auto word = heap_.field(code.object, heap_.layout().code_deopt_data);
  const auto deopt = word ? heap_.object(*word) : std::nullopt;
  const auto count = deopt ? heap_.array_element(*deopt, kInlinedFunctionCount) : std::nullopt;
  return !count || *count != 0;
}

std::optional<V8Frames::Inlining> V8Frames::inlining(const V8Code& code, int id) const {
  const V8Layout& layout = heap_.layout();
  const auto deopt_word = heap_.field(code.object, layout.code_deopt_data);
  const auto deopt = deopt_word ? heap_.object(*deopt_word) : std::nullopt;
  if (!deopt || id < 0) return std::nullopt;
  const auto inlining_word = heap_.array_element(*deopt, layout.deopt_inlining);
  const auto literals_word = heap_.array_element(*deopt, layout.deopt_literals);
  const auto inlinings = inlining_word ? heap_.object(*inlining_word) : std::nullopt;
  const auto literals = literals_word ? heap_.object(*literals_word) : std::nullopt;
  if (!inlinings || !literals) return std::nullopt;
  // Records of {position, index of the function among the literals}.
  constexpr std::uint64_t kRecord = 16;
  const auto length = heap_.array_length(*inlinings);
  const std::uint64_t at = static_cast<std::uint64_t>(id) * kRecord;
  if (!length || at + kRecord > *length) return std::nullopt;
  std::uint64_t raw = 0;
  std::int32_t index = 0;
  const std::uint64_t record = inlinings->address + layout.array_data + at;
  const std::array pieces{RemoteRead{record, &raw, 8}, RemoteRead{record + 8, &index, 4}};
  if (!heap_.memory().read_many(pieces)) return std::nullopt;
  Inlining found;
  found.called_from = decode_position(raw);
  // Below 0: like the body of a loop that was peeled.
  if (index >= 0) {
    const auto literal = heap_.array_element(*literals, static_cast<std::uint32_t>(index));
    if (!literal) return std::nullopt;
    found.shared = *literal & ~std::uint64_t{2};  // the pointer may be weak
  }
  return found;
}

const V8Frames::Function* V8Frames::outer_of(const V8Code& code) {
  const V8Layout& layout = heap_.layout();
  const auto deopt_word = heap_.field(code.object, layout.code_deopt_data);
  const auto deopt = deopt_word ? heap_.object(*deopt_word) : std::nullopt;
  const auto outer_word = deopt ? heap_.array_element(*deopt, layout.deopt_shared) : std::nullopt;
  return outer_word ? function(*outer_word) : nullptr;
}

std::vector<V8Frame> V8Frames::optimized_frames(const V8Code& code, std::uint64_t pc, bool is_top,
                                                std::optional<std::uint64_t> expected_shared) {
  const Function* outer = outer_of(code);
  if (outer == nullptr || (expected_shared && outer->facts.shared.address != *expected_shared)) {
    return {};
  }
  if (code.kind == V8Code::Kind::kMaglev) return maglev_frames(code, pc, is_top);
  return turbofan_frames(code, pc, *outer);
}

bool V8Frames::is_interpreted(const V8FrameWords& words) const {
  // A baseline frame has its feedback where an interpreted one has the offset.
  return V8Heap::is_smi(words.bytecode_offset) &&
         heap_.object_of(words.bytecode_array, heap_.layout().type_bytecode_array);
}

bool V8Frames::is_own_frame(const V8FrameWords& words) {
  const auto found = code(words.pc);
  const auto object = heap_.function(words.function);
  const auto shared = object ? shared_of(heap_, *object) : std::nullopt;
  const Function* callee = shared ? function(*shared) : nullptr;
  const Function* outer = found && found->is_optimized() ? outer_of(*found) : nullptr;
  return callee != nullptr && outer != nullptr &&
         callee->facts.shared.address == outer->facts.shared.address;
}

std::vector<V8Frame> V8Frames::turbofan_frames(const V8Code& code, std::uint64_t pc,
                                               const Function& outer) {
  std::vector<V8Frame> frames;
  auto position = code_position(code, pc - code.start);
  if (!position && code_position(code, code.size)) {
    // Code before the first entry of its table is the function's entry.
    frames.push_back(frame_of(outer, outer.facts.start));
    return frames;
  }
  // Without a table it may be any of the functions in it.
  if (!position && has_inlined_functions(code)) return {};
  for (int depth = 0; position && position->inlining_id >= 0; ++depth) {
    if (depth >= kMaxInlined) return {};
    const auto found = inlining(code, position->inlining_id);
    if (!found) return {};
    if (found->shared != 0) {
      const Function* inlined = function(found->shared);
      if (inlined == nullptr) return {};
      frames.push_back(frame_of(*inlined, position->offset));
    }
    position = found->called_from;
  }
  frames.push_back(
      frame_of(outer, position ? std::optional<std::uint32_t>(position->offset) : std::nullopt));
  return frames;
}

std::vector<V8Frame> V8Frames::maglev_frames(const V8Code& code, std::uint64_t pc, bool is_top) {
  const auto [entry, is_new] = maglev_.try_emplace(code.start);
  if (is_new) entry->second = V8MaglevCode::read(heap_, code);
  if (!entry->second) return {};
  const auto place = entry->second->at(heap_, pc - code.start, !is_top);
  if (!place) return {};
  std::vector<V8Frame> frames;
  for (auto virtual_frame = place->frames.rbegin(); virtual_frame != place->frames.rend();
       ++virtual_frame) {
    const Function* called = function(virtual_frame->shared);
    if (called == nullptr) return {};
    frames.push_back(frame_of(*called, std::nullopt));
    if (called->file.empty()) continue;
    if (frames.size() == 1) {
      frames.back().frame.line = line_at(*place, *called, code);
    } else if (const auto bytecodes = bytecodes_of(heap_, virtual_frame->shared)) {
      const auto position = bytecode_position(*bytecodes, virtual_frame->bytecode_offset);
      if (position) frames.back().frame.line = line_of(*called, *position);
    }
  }
  return frames;
}

int V8Frames::line_at(const V8CodePlace& place, const Function& function, const V8Code& code) {
  const auto bytecodes = bytecodes_of(heap_, place.frames.back().shared);
  const auto table = bytecodes ? bytecode_positions(*bytecodes) : std::nullopt;
  if (!table) return 0;
  const auto positions = find_positions(*table, heap_.layout().code_steps,
                                        place.frames.back().bytecode_offset, place.last);
  if (positions.empty()) return 0;
  const auto line_of_position = [&](const V8Position& position) {
    return line_of(function, position.offset);
  };
  const int line = line_of_position(positions.front());
  if (std::all_of(positions.begin(), positions.end(),
                  [&](const V8Position& position) { return line_of_position(position) == line; })) {
    return line;
  }
  const auto told = code_position(code, place.offset);
  if (!told) return 0;
  const auto inlined = inlining(code, told->inlining_id);
  const Function* told_function =
      inlined && inlined->shared != 0 ? this->function(inlined->shared) : nullptr;
  const bool is_inlined = place.frames.size() > 1;
  if (is_inlined != (told->inlining_id >= 0) ||
      (is_inlined && (told_function == nullptr ||
                      told_function->facts.shared.address != function.facts.shared.address))) {
    return 0;
  }
  // In a loop whose first turn was taken out, the table has the place of its end throughout.
  if (place.is_in_loop && told->offset == positions.back().offset) return 0;
  const bool is_possible =
      std::any_of(positions.begin(), positions.end(),
                  [&](const V8Position& position) { return position.offset == told->offset; });
  return is_possible ? line_of_position(*told) : 0;
}

std::vector<V8Frame> V8Frames::name_code(std::uint64_t pc) {
  const auto found = code(pc);
  if (!found || !found->is_optimized()) return {};
  auto frames = optimized_frames(*found, pc, true, std::nullopt);
  // Where a frame is made or taken down, nothing inlined runs.
  const Function* outer = frames.empty() ? outer_of(*found) : nullptr;
  if (outer != nullptr) frames.push_back(frame_of(*outer, std::nullopt));
  return frames;
}

std::optional<std::vector<std::byte>> V8Frames::bytecode_positions(
    const V8Object& bytecodes) const {
  const auto word = heap_.field(bytecodes, heap_.layout().bytecode_positions);
  const auto array = word ? heap_.object(*word) : std::nullopt;
  return array ? read_byte_array(heap_, *array) : std::nullopt;
}

std::optional<std::uint32_t> V8Frames::bytecode_position(const V8Object& bytecodes,
                                                         std::int64_t offset) const {
  const auto word = heap_.field(bytecodes, heap_.layout().bytecode_positions);
  const auto array = word ? heap_.object(*word) : std::nullopt;
  const auto table = array ? read_byte_array(heap_, *array) : std::nullopt;
  const auto position =
      table ? find_position(*table, heap_.layout().code_steps, offset) : std::nullopt;
  return position ? std::optional<std::uint32_t>(position->offset) : std::nullopt;
}

int V8Frames::interpreter_line(const V8FrameWords& words, const V8Object& bytecodes,
                               const Function& function, const StackRegisters& registers) {
  // Offsets count from the tagged pointer.
  const std::int64_t bias = std::int64_t{heap_.layout().bytecode_data} - 1;
  const auto length = heap_.array_length(bytecodes);
  if (!length) return 0;
  const auto line_at = [&](std::int64_t offset) {
    const auto position = bytecode_position(bytecodes, offset - bias);
    return position ? line_of(function, *position) : 0;
  };
  // While a bytecode's handler runs, r9 knows better than the frame, where only some handlers
  // put it; r12 may be put to other use meanwhile.
  const bool runs = words.handler == V8Handler::kRuns;
  const auto in_register = static_cast<std::int64_t>(registers.r9);
  const bool is_possible = (words.is_top || runs) && registers.has_all && in_register >= bias &&
                           in_register < bias + *length;
  if (is_possible && registers.r12 == words.bytecode_array) return line_at(in_register);
  const Spilled spilled = spilled_offset(words, bias, *length);
  if (spilled.has_array) return spilled.offset ? line_at(*spilled.offset) : 0;
  // What was saved in the frame may be that of an earlier bytecode, and r9 may be put to other
  // use: if anything speaks for another line, none is certain.
  const int line = line_at(V8Heap::smi_value(words.bytecode_offset));
  if (is_possible && words.handler != V8Handler::kNone) {
    return line_at(in_register) == line ? line : 0;
  }
  if (!runs && words.handler != V8Handler::kCalls) return line;
  if (spilled.is_ambiguous || (runs && !spilled.offset && !words.is_top)) return 0;
  return spilled.offset && line_at(*spilled.offset) != line ? 0 : line;
}

V8Frames::Spilled V8Frames::spilled_offset(const V8FrameWords& words, std::int64_t bias,
                                           std::uint32_t length) const {
  constexpr std::uint64_t kFixedPart = 40;
  constexpr std::uint64_t kMostWords = 256;
  Spilled spilled;
  if (words.low == 0 || words.low % 8 != 0 || words.low + kFixedPart >= words.fp) return spilled;
  const std::uint64_t count = std::min((words.fp - kFixedPart - words.low) / 8, kMostWords);
  std::vector<std::uint64_t> area(count + 1);
  const RemoteRead piece{words.low, area.data(), count * 8};
  if (!heap_.memory().read_many({&piece, 1})) return spilled;
  // Values of JavaScript are never that small, so the frame's own registers cannot be meant.
  for (std::size_t i = 0; i < count; ++i) {
    spilled.has_array = spilled.has_array || area[i] == words.bytecode_array;
    const auto offset = static_cast<std::int64_t>(area[i]);
    if (offset < bias || offset >= bias + length) continue;
    // Below a frame pointer stands the type of a builtin's frame.
    if (area[i + 1] > words.low + i * 8 && area[i + 1] <= words.fp) continue;
    spilled.is_ambiguous = spilled.is_ambiguous || (spilled.offset && *spilled.offset != offset);
    spilled.offset = offset;
  }
  if (spilled.is_ambiguous) spilled.offset.reset();
  return spilled;
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
    if (found->is_optimized()) {
      return optimized_frames(*found, words.pc, words.is_top, callee->facts.shared.address);
    }
    return {frame_of(*callee, baseline_position(*found, words.pc, words))};
  }
  if (is_interpreted(words)) {
    if (const auto bytecodes = heap_.object_of(words.bytecode_array, layout.type_bytecode_array)) {
      V8Frame frame = frame_of(*callee, std::nullopt);
      if (!callee->file.empty()) {
        frame.frame.line = interpreter_line(words, *bytecodes, *callee, registers);
      }
      return {std::move(frame)};
    }
  }
  return {frame_of(*callee, std::nullopt)};
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
