#include "culprit/v8/v8_layout.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstring>
#include <optional>
#include <string_view>

namespace loopscope {
namespace {

/// What no symbol tells, per Node version. Found in running processes, as said, and equal in
/// main and worker threads.
struct VersionFacts {
  int major = 0;
  // Operands of `mov [r13+x], rbp` in the builtins: CEntry has the first, code that calls C
  // functions directly the second.
  std::int32_t c_entry_fp = 0;
  std::int32_t fast_call_fp = 0;
  // From c_entry_fp. Self: the one word around it that holds the isolate's own address. State:
  // the one word that reads 0 and 1 in turn in a process that does nothing but gc(), and 6
  // (EXTERNAL) in an idle one.
  std::int32_t self = 0;
  std::int32_t state = 0;
  std::uint32_t bytecode_positions = 0;
  std::uint32_t code_size = 0;
  std::uint32_t code_flags = 0;
  std::uint32_t code_positions = 0;
  std::uint32_t code_deopt_data = 0;
  std::uint32_t stream_header = 0;  // 0: instructions stand in the Code object
  std::uint32_t deopt_literals = 0;
  std::uint32_t deopt_shared = 0;
  std::uint32_t deopt_inlining = 0;
};

constexpr std::array kFacts{
    VersionFacts{18, 0x44b8, 0x80, -0x70, 0x30, 32, 40, 48, 24, 16, 0, 2, 6, 7},
    VersionFacts{20, 0x100, 0x68, -0x70, 0x30, 32, 56, 48, 24, 16, 16, 2, 6, 7},
    VersionFacts{22, 0x90, 0x70, 0x60, 0xa8, 24, 52, 48, 16, 8, 32, 2, 6, 7},
    VersionFacts{24, 0xc0, 0xa8, 0x60, 0xa8, 24, 56, 52, 16, 8, 32, 3, 7, 8},
    VersionFacts{26, 0xc8, 0xb0, 0x60, 0xa8, 24, 56, 52, 16, 8, 32, 3, 7, 8},
};

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
      {"class_Code__instruction_start__Address", "class_Code__instruction_start__uintptr_t"}, 40};
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

/// Operand x of the first `mov [r13+x], rbp` of CEntry, which stores the exit frame's address.
std::optional<std::int32_t> c_entry_fp_of(const ElfImage& elf) {
  constexpr std::array<std::string_view, 2> kNames{
      "Builtins_CEntry_Return1_ArgvOnStack_NoBuiltinExit",
      "Builtins_CEntry_Return1_DontSaveFPRegs_ArgvOnStack_NoBuiltinExit"};
  for (const auto& symbol : elf.find_symbols(kNames)) {
    if (!symbol) continue;
    std::array<std::byte, 64> code{};
    if (elf.read_some_at_vaddr(symbol->address, code) < code.size()) continue;
    for (std::size_t i = 0; i + 7 <= code.size(); ++i) {
      if (code[i] != std::byte{0x49} || code[i + 1] != std::byte{0x89}) continue;
      if (code[i + 2] == std::byte{0x6d}) return static_cast<std::int8_t>(code[i + 3]);
      if (code[i + 2] != std::byte{0xad}) continue;
      std::int32_t operand = 0;
      std::memcpy(&operand, code.data() + i + 3, sizeof operand);
      return operand;
    }
  }
  return std::nullopt;
}

void read_builtins_extent(const ElfImage& elf, V8Layout& layout) {
  // 18 names the code "..._data_" and a pointer to it without.
  constexpr std::array<std::string_view, 3> kNames{"v8_Default_embedded_blob_code_data_",
                                                   "v8_Default_embedded_blob_code_",
                                                   "v8_Default_embedded_blob_code_size_"};
  const auto symbols = elf.find_symbols(kNames);
  const auto& start = symbols[0] ? symbols[0] : symbols[1];
  if (!start || !symbols[2]) return;
  const auto size = static_cast<std::uint32_t>(value_of(elf, *symbols[2]));
  layout.builtins_start = start->address;
  layout.builtins_end = start->address + size;
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

const VersionFacts* facts_of(const std::string& version) {
  const std::size_t begin = version.starts_with('v') ? 1 : 0;
  int major = 0;
  std::from_chars(version.data() + begin, version.data() + version.size(), major);
  const auto found = std::find_if(kFacts.begin(), kFacts.end(),
                                  [&](const VersionFacts& facts) { return facts.major == major; });
  return found == kFacts.end() ? nullptr : &*found;
}

V8Layout layout_from(const WantedTable& symbols, const VersionFacts& facts) {
  const auto number = [&](WantedIndex i) { return static_cast<std::uint32_t>(symbols[i].value); };
  const auto type = [&](WantedIndex i) { return static_cast<std::uint16_t>(symbols[i].value); };
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
  layout.code_is_inline = facts.stream_header == 0;
  layout.code_start = number(kCodeStart);
  layout.code_size = facts.code_size;
  layout.code_flags = facts.code_flags;
  layout.code_positions = facts.code_positions;
  layout.code_deopt_data = facts.code_deopt_data;
  layout.stream_header = layout.code_is_inline ? layout.code_start : facts.stream_header;
  layout.stream_alignment = layout.code_is_inline ? 32 : 64;
  layout.code_kind_mask = number(kCodeKindMask);
  layout.code_kind_baseline = number(kCodeKindBaseline);
  layout.deopt_literals = facts.deopt_literals;
  layout.deopt_shared = facts.deopt_shared;
  layout.deopt_inlining = facts.deopt_inlining;
  layout.scope_first_vars = number(kScopeFirstVars);
  layout.scope_has_start_in_front = layout.scope_first_vars >= 5;
  layout.frame_entry = number(kFrameEntry);
  layout.frame_construct_entry = number(kFrameConstructEntry);
  layout.frame_exit = number(kFrameExit);
  layout.frame_builtin_exit = number(kFrameBuiltinExit);
  layout.frame_wasm = number(kFrameWasm);
  layout.regexp_frames_untyped = facts.major == 18;
  layout.entry_keeps_fast_call = facts.major >= 24;
  return layout;
}

}  // namespace

Result<V8Layout> read_v8_layout(const ElfImage& elf, const std::string& version) {
  if (!elf.is_x86_64()) {
    return Error{"JavaScript frames of " + elf.name() + " are readable on x86-64 only"};
  }
  const auto symbols = read_symbols(elf);
  if (!symbols) return symbols.error();
  if ((*symbols)[kTaggedSize].value != 8) {
    return Error{elf.name() + " is built with pointer compression: its frames cannot be read"};
  }
  const VersionFacts* facts = facts_of(version);
  if (facts == nullptr) {
    return Error{"V8's layout in Node " + version + " is not known (18, 20, 22, 24 and 26 are)"};
  }
  V8Layout layout = layout_from(*symbols, *facts);
  read_builtins_extent(elf, layout);
  read_bytecode_sizes(elf, layout);
  if (layout.builtins_end == 0 && facts->major == 18) {
    return Error{elf.name() + " is stripped: JavaScript frames need a Node 18 with its symbols"};
  }
  layout.isolate_c_entry_fp = c_entry_fp_of(elf).value_or(facts->c_entry_fp);
  layout.isolate_self = layout.isolate_c_entry_fp + facts->self;
  layout.isolate_state = layout.isolate_c_entry_fp + facts->state;
  if (layout.isolate_c_entry_fp == facts->c_entry_fp) {
    layout.isolate_fast_call_fp = facts->fast_call_fp;
  }
  return layout;
}

}  // namespace loopscope
