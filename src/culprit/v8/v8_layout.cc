#include "culprit/v8/v8_layout.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <optional>
#include <string_view>

#include "culprit/v8/v8_builtins.h"
#include "culprit/v8/v8_versions.h"

namespace loopscope {
namespace {

/// The v8dbg_ symbols that are asked for. A name drifts with V8's internal types, so each has
/// variants; the first that exists counts.
struct Wanted {
  std::vector<std::string_view> names;
  std::optional<std::int32_t> otherwise = std::nullopt;  // absent: the layout is refused
  std::int32_t value = 0;
};

enum WantedIndex : std::size_t {
  kTaggedSize,
  kFunctionType,
  kFirstFunctionType,
  kLastFunctionType,
  kSharedType,
  kSharedWrapperType,
  kScriptType,
  kScopeInfoType,
  kBytecodeArrayType,
  kCodeType,
  kFixedArrayType,
  kFirstNonstringType,
  kMapInstanceType,
  kFunctionShared,
  kSharedName,
  kSharedScript,
  kSharedTokenOffset,
  kScriptSource,
  kScriptName,
  kScriptLineEnds,
  kStringLength,
  kBytecodeData,
  kCodeStart,
  kCodeSize,
  kCodeFlags,
  kStreamHeader,
  kDeoptLiterals,
  kDeoptShared,
  kDeoptInlining,
  kCodeKindMask,
  kCodeKindBaseline,
  kScopeFirstVars,
  kFrameEntry,
  kFrameConstructEntry,
  kFrameExit,
  kFrameBuiltinExit,
  kFrameWasm,
  kWantedCount,
};

using WantedTable = std::array<Wanted, kWantedCount>;

WantedTable wanted_symbols() {
  WantedTable table{};
  table[kTaggedSize] = {{"TaggedSize"}};
  table[kFunctionType] = {{"type_JSFunction__JS_FUNCTION_TYPE"}};
  table[kFirstFunctionType] = {{"FirstJSFunctionType"}, -1};
  table[kLastFunctionType] = {{"LastJSFunctionType"}, -1};
  table[kSharedType] = {{"type_SharedFunctionInfo__SHARED_FUNCTION_INFO_TYPE"}};
  table[kSharedWrapperType] = {
      {"type_SharedFunctionInfoWrapper__SHARED_FUNCTION_INFO_WRAPPER_TYPE"}, 0};
  table[kScriptType] = {{"type_Script__SCRIPT_TYPE"}};
  table[kScopeInfoType] = {{"type_ScopeInfo__SCOPE_INFO_TYPE"}};
  table[kBytecodeArrayType] = {{"type_BytecodeArray__BYTECODE_ARRAY_TYPE"}};
  table[kCodeType] = {{"type_Code__CODE_TYPE"}};
  table[kFixedArrayType] = {{"type_FixedArray__FIXED_ARRAY_TYPE"}};
  table[kFirstNonstringType] = {{"FirstNonstringType"}};
  table[kMapInstanceType] = {{"class_Map__instance_type__uint16_t"}};
  table[kFunctionShared] = {{"class_JSFunction__shared__SharedFunctionInfo",
                             "class_JSFunction__shared__Tagged_SharedFunctionInfo_"}};
  table[kSharedName] = {{"class_SharedFunctionInfo__name_or_scope_info__Object",
                         "class_SharedFunctionInfo__name_or_scope_info__Tagged_Object_",
                         "class_SharedFunctionInfo__name_or_scope_info__Tagged_NameOrScopeInfoT_"}};
  table[kSharedScript] = {{"class_SharedFunctionInfo__script__Tagged_HeapObject_",
                           "class_SharedFunctionInfo__script_or_debug_info__HeapObject",
                           "class_SharedFunctionInfo__raw_script__Tagged_Object_"}};
  table[kSharedTokenOffset] = {{"class_SharedFunctionInfo__raw_function_token_offset__int16_t"}};
  table[kScriptSource] = {{"class_Script__source__Object", "class_Script__source__Tagged_Object_"}};
  table[kScriptName] = {{"class_Script__name__Object", "class_Script__name__Tagged_Object_"}};
  table[kScriptLineEnds] = {
      {"class_Script__line_ends__Object", "class_Script__line_ends__Tagged_Object_"}};
  table[kStringLength] = {{"class_String__length__int32_t"}};
  table[kBytecodeData] = {{"class_BytecodeArray__data__uintptr_t"}};
  table[kCodeStart] = {
      {"class_Code__instruction_start__Address", "class_Code__instruction_start__uintptr_t"}, -1};
  table[kCodeSize] = {{"class_Code__instruction_size__int"}, -1};
  table[kCodeFlags] = {{"class_Code__flags__uint32_t"}, -1};
  table[kStreamHeader] = {{"class_InstructionStream__instruction_start__uintptr_t"}, -1};
  table[kDeoptLiterals] = {{"DeoptimizationDataLiteralArrayIndex"}, -1};
  table[kDeoptShared] = {{"DeoptimizationDataSharedFunctionInfoIndex",
                          "DeoptimizationDataSharedFunctionInfoWrapperIndex",
                          "DeoptimizationDataWrappedSharedFunctionInfoIndex"},
                         -1};
  table[kDeoptInlining] = {{"DeoptimizationDataInliningPositionsIndex"}, -1};
  table[kCodeKindMask] = {{"CodeKindFieldMask"}};
  table[kCodeKindBaseline] = {{"CodeKindBaseline"}};
  table[kScopeFirstVars] = {{"scopeinfo_idx_first_vars"}};
  table[kFrameEntry] = {{"frametype_EntryFrame"}};
  table[kFrameConstructEntry] = {{"frametype_ConstructEntryFrame"}};
  table[kFrameExit] = {{"frametype_ExitFrame"}};
  table[kFrameBuiltinExit] = {{"frametype_BuiltinExitFrame"}};
  table[kFrameWasm] = {{"frametype_WasmFrame"}, -1};
  return table;
}

/// The integer of a symbol; one in .bss, which the file has no bytes of, is 0.
std::int32_t value_of(const ElfImage& elf, const ElfSymbol& symbol) {
  std::array<std::byte, sizeof(std::int32_t)> bytes{};
  std::int32_t value = 0;
  if (elf.read_some_at_vaddr(symbol.address, bytes) == bytes.size()) {
    std::memcpy(&value, bytes.data(), sizeof value);
  }
  return value;
}

Result<WantedTable> read_symbols(const ElfImage& elf) {
  WantedTable table = wanted_symbols();
  std::vector<std::string> names;
  for (const Wanted& wanted : table) {
    for (const std::string_view name : wanted.names) names.push_back("v8dbg_" + std::string(name));
  }
  const std::vector<std::string_view> views(names.begin(), names.end());
  const auto symbols = elf.find_symbols(views);
  std::size_t at = 0;
  bool any = false;
  std::string missing;
  for (Wanted& wanted : table) {
    std::optional<std::int32_t> value;
    for (std::size_t i = 0; i < wanted.names.size(); ++i, ++at) {
      if (!value && symbols[at]) value = value_of(elf, *symbols[at]);
    }
    any = any || value.has_value();
    if (!value) value = wanted.otherwise;
    if (!value && missing.empty()) missing = "v8dbg_" + std::string(wanted.names.front());
    wanted.value = value.value_or(0);
  }
  if (!any) return Error{elf.name() + " has no v8dbg_ symbols: no V8 that can be read"};
  if (!missing.empty()) return Error{elf.name() + " lacks the symbol " + missing};
  return table;
}

void read_bytecode_sizes(const ElfImage& elf, V8Layout& layout) {
  constexpr std::uint64_t kScales = 3;
  const auto symbol = elf.find_symbol("_ZN2v88internal11interpreter9Bytecodes14kBytecodeSizesE");
  if (!symbol || symbol->size == 0 || symbol->size % kScales != 0 || symbol->size > kScales * 256) {
    return;
  }
  const auto bytes = elf.read_at_vaddr(symbol->address, symbol->size);
  if (!bytes) return;
  layout.bytecode_sizes.resize(bytes->size());
  std::memcpy(layout.bytecode_sizes.data(), bytes->data(), bytes->size());
  layout.bytecode_count = static_cast<std::uint32_t>(symbol->size / kScales);
}

V8Layout layout_from(const WantedTable& symbols, const V8VersionFacts& facts) {
  const auto number = [&](WantedIndex i) { return static_cast<std::uint32_t>(symbols[i].value); };
  const auto type = [&](WantedIndex i) { return static_cast<std::uint16_t>(symbols[i].value); };
  const auto number_or = [&](WantedIndex i, std::uint32_t otherwise) {
    return symbols[i].value >= 0 ? number(i) : otherwise;
  };
  V8Layout layout;
  layout.node_major = facts.major;
  // Before they were exported, sixteen types followed JS_FUNCTION_TYPE: classes and the
  // constructors of typed arrays.
  const bool has_range = symbols[kFirstFunctionType].value >= 0;
  layout.type_js_function_first = type(has_range ? kFirstFunctionType : kFunctionType);
  layout.type_js_function_last =
      has_range ? type(kLastFunctionType) : static_cast<std::uint16_t>(type(kFunctionType) + 16);
  layout.type_shared_function_info = type(kSharedType);
  layout.type_shared_function_info_wrapper = type(kSharedWrapperType);
  layout.type_script = type(kScriptType);
  layout.type_scope_info = type(kScopeInfoType);
  layout.type_bytecode_array = type(kBytecodeArrayType);
  layout.type_code = type(kCodeType);
  layout.type_fixed_array = type(kFixedArrayType);
  layout.type_first_nonstring = type(kFirstNonstringType);
  layout.map_instance_type = number(kMapInstanceType);
  layout.function_shared = number(kFunctionShared);
  layout.shared_name = number(kSharedName);
  layout.shared_script = number(kSharedScript);
  layout.shared_token_offset = number(kSharedTokenOffset);
  layout.script_source = number(kScriptSource);
  layout.script_name = number(kScriptName);
  layout.script_line_ends = number(kScriptLineEnds);
  layout.string_length = number(kStringLength);
  layout.bytecode_data = number(kBytecodeData);
  layout.bytecode_positions = facts.bytecode_positions;
  // So in every table of 25 (V8 14.1) and 26 (14.6), and in none of 24 (13.6).
  layout.code_steps = facts.major >= 25 ? V8CodeSteps::kFlagged : V8CodeSteps::kSigned;
  layout.code_is_inline = facts.stream_header == 0;
  layout.code_start = number_or(kCodeStart, facts.code_start);
  layout.code_size = number_or(kCodeSize, facts.code_size);
  layout.code_flags = number_or(kCodeFlags, facts.code_flags);
  layout.code_positions = facts.code_positions;
  layout.code_deopt_data = facts.code_deopt_data;
  layout.stream_header =
      layout.code_is_inline ? layout.code_start : number_or(kStreamHeader, facts.stream_header);
  layout.stream_alignment = layout.code_is_inline ? 32 : 64;
  layout.code_kind_mask = number(kCodeKindMask);
  layout.code_kind_baseline = number(kCodeKindBaseline);
  layout.deopt_literals = number_or(kDeoptLiterals, facts.deopt_literals);
  layout.deopt_shared = number_or(kDeoptShared, facts.deopt_shared);
  layout.deopt_inlining = number_or(kDeoptInlining, facts.deopt_inlining);
  // Behind the inlining positions: where the exits begin, and how many there are of each kind.
  layout.deopt_first_entry = layout.deopt_inlining + 4;
  layout.translation_begin = facts.translation_begin;
  layout.translation_opcodes = facts.translation_opcodes;
  layout.translation_frame_operands = facts.translation_frame_operands;
  layout.script_source_url = facts.script_source_url;
  layout.script_source_map = facts.script_source_url + 8;
  layout.scope_first_vars = number(kScopeFirstVars);
  layout.scope_has_start_in_front = layout.scope_first_vars >= 5;
  layout.frame_entry = number(kFrameEntry);
  layout.frame_construct_entry = number(kFrameConstructEntry);
  layout.frame_exit = number(kFrameExit);
  layout.frame_builtin_exit = number(kFrameBuiltinExit);
  layout.frame_wasm = number(kFrameWasm);
  layout.regexp_frames_untyped = facts.major <= 19;
  layout.entry_keeps_fast_call = facts.major >= 24;
  return layout;
}

Error unknown_version(const std::string& version, const char* why) {
  return Error{"V8's layout in Node " + (version.empty() ? "(version not known)" : version) +
               " is not known" + why + ": Node 18 and later are read"};
}

/// Where isolates keep what a walk begins with. False: nothing tells it.
bool set_root_slots(const ElfImage& elf, const std::optional<V8Builtins>& builtins,
                    const V8VersionFacts& facts, V8Layout& layout) {
  if (const auto slots = builtins ? find_root_slots(elf, *builtins) : std::nullopt) {
    layout.isolate_c_entry_fp = slots->c_entry_fp;
    layout.isolate_fast_call_fp = slots->fast_call_fp;
  } else if (!facts.is_assumed) {
    layout.isolate_c_entry_fp = facts.c_entry_fp;
    layout.isolate_fast_call_fp = facts.fast_call_fp;
  } else {
    return false;
  }
  if (facts.self != 0) layout.isolate_self = layout.isolate_c_entry_fp + facts.self;
  if (facts.state != 0) layout.isolate_state = layout.isolate_c_entry_fp + facts.state;
  return true;
}

}  // namespace

Result<V8Layout> read_v8_layout(const LoadedImage& image, const std::string& version,
                                const MemoryReader* memory, const MemoryMap* map) {
  const ElfImage& elf = *image.elf;
  if (!elf.is_x86_64()) {
    return Error{"JavaScript frames of " + elf.name() + " are readable on x86-64 only"};
  }
  const auto facts = facts_of_version(version);
  if (!facts) return unknown_version(version, "");
  const auto symbols = read_symbols(elf);
  if (!symbols) return symbols.error();
  if ((*symbols)[kTaggedSize].value != 8) {
    return Error{elf.name() + " is built with pointer compression: its frames cannot be read"};
  }
  V8Layout layout = layout_from(*symbols, *facts);
  auto builtins = find_builtins(image, memory);
  if (!builtins && map != nullptr) {
    const Mapping* second = find_second_mapping(image, *map);
    if (second != nullptr) builtins = builtins_of_mapping(image, *second);
  }
  if (builtins) {
    layout.builtins_start = builtins->start;
    layout.builtins_end = builtins->end;
    if (const auto handlers = elf.find_symbol("Builtins_WideHandler")) {
      layout.handlers_start = handlers->address;
    }
  } else if (facts->stream_header == 0) {
    return Error{elf.name() + " does not tell where its builtins are: JavaScript frames of Node " +
                 version + " need its symbols"};
  }
  read_bytecode_sizes(elf, layout);
  if (!set_root_slots(elf, builtins, *facts, layout)) {
    return unknown_version(version, ", and cannot be found out");
  }
  return layout;
}

}  // namespace loopscope
