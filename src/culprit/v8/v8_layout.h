#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "culprit/v8/v8_position_table.h"
#include "target/loaded_image.h"
#include "target/memory_map.h"
#include "target/memory_reader.h"

namespace loopscope {

/// Where things stand in the heap, the frames and the isolates of one build of V8 (x86-64,
/// no pointer compression). Offsets are from an object's first byte, in bytes. Most come from
/// the image's own v8dbg_* symbols; those no symbol tells are constants of the Node version,
/// each said where it comes from in the .cc file. A plain struct, so that tests can fill one.
struct V8Layout {
  int node_major = 0;

  // Instance types.
  std::uint16_t type_js_function_first = 0;
  std::uint16_t type_js_function_last = 0;
  std::uint16_t type_shared_function_info = 0;
  std::uint16_t type_shared_function_info_wrapper = 0;  ///< 0: the version has none
  std::uint16_t type_script = 0;
  std::uint16_t type_scope_info = 0;
  std::uint16_t type_bytecode_array = 0;
  std::uint16_t type_code = 0;
  std::uint16_t type_fixed_array = 0;
  std::uint16_t type_first_nonstring = 0;

  // Fields.
  std::uint32_t map_instance_type = 0;
  std::uint32_t function_shared = 0;
  std::uint32_t shared_name = 0;
  std::uint32_t shared_script = 0;
  std::uint32_t shared_token_offset = 0;
  std::uint32_t wrapper_shared = 8;
  std::uint32_t script_source = 0;
  std::uint32_t script_name = 0;
  std::uint32_t script_line_offset = 24;
  std::uint32_t script_line_ends = 0;
  std::uint32_t script_id = 64;
  std::uint32_t script_source_url = 0;  ///< 0: not known
  std::uint32_t script_source_map = 0;
  std::uint32_t string_length = 0;
  std::uint32_t string_payload = 16;  ///< characters, first, parent or actual
  std::uint32_t string_second = 24;   ///< second, offset or the external characters
  std::uint32_t array_length = 8;     ///< of every kind of array: a Smi
  std::uint32_t array_data = 16;
  std::uint32_t bytecode_data = 0;
  std::uint32_t bytecode_positions = 0;
  V8CodeSteps code_steps = V8CodeSteps::kSigned;  ///< of all tables of positions

  // Code objects.
  bool code_is_inline = false;   ///< the instructions stand in the Code object (18)
  std::uint32_t code_start = 0;  ///< the instructions, or the pointer to them
  std::uint32_t code_size = 0;
  std::uint32_t code_flags = 0;
  std::uint32_t code_positions = 0;
  std::uint32_t code_deopt_data = 0;
  std::uint32_t stream_header = 0;     ///< from an InstructionStream to its instructions
  std::uint32_t stream_alignment = 0;  ///< of the instructions
  std::uint32_t code_kind_mask = 0;
  std::uint32_t code_kind_baseline = 0;  ///< kinds above it are optimized code
  std::uint32_t deopt_literals = 0;      ///< indices into the deoptimization data
  std::uint32_t deopt_shared = 0;
  std::uint32_t deopt_inlining = 0;
  std::uint32_t deopt_first_entry = 0;
  /// Translations of deoptimization data: the first of two opcodes that begin one (0: the form is
  /// not known), how many opcodes there are, operands of an interpreted frame.
  std::uint32_t translation_begin = 0;
  std::uint32_t translation_opcodes = 0;
  std::uint32_t translation_frame_operands = 0;
  /// Sizes of bytecodes, three tables of bytecode_count for operand scales 1, 2, 4; empty: not
  /// known (baseline code then has no lines).
  std::vector<std::uint8_t> bytecode_sizes;
  std::uint32_t bytecode_count = 0;

  // ScopeInfo: words after the map.
  std::uint32_t scope_first_vars = 0;
  bool scope_has_start_in_front = false;  ///< start and end follow the counts (24 on)

  // Frame types.
  std::uint32_t frame_entry = 0;
  std::uint32_t frame_construct_entry = 0;
  std::uint32_t frame_exit = 0;
  std::uint32_t frame_builtin_exit = 0;
  std::uint32_t frame_wasm = 0;
  bool regexp_frames_untyped = false;  ///< regular expressions' frames have no type (18)
  bool entry_keeps_fast_call = false;  ///< entry frames also keep the fast call's fp (24 on)

  // Isolate: from its root (r13).
  std::int32_t isolate_c_entry_fp = 0;
  std::int32_t isolate_self = 0;          ///< ThreadLocalTop::isolate_; 0: near isolate_c_entry_fp
  std::int32_t isolate_state = 0;         ///< ThreadLocalTop::current_vm_state_; 0: not known
  std::int32_t isolate_fast_call_fp = 0;  ///< 0: not known

  // Image: link-time extent of the embedded builtins; 0: not known (a stripped image).
  std::uint64_t builtins_start = 0;
  std::uint64_t builtins_end = 0;
  std::uint64_t handlers_start = 0;  ///< of the handlers of bytecodes, the last of the builtins
};

/// `version`: Node's, with or without "v". `memory` and `map`: of a process that runs the
/// image; they tell what a stripped image does not (nullptr: nothing). Error: no V8 in the image,
/// pointer compression, another machine, or a version whose constants are neither known nor to
/// be found out.
Result<V8Layout> read_v8_layout(const LoadedImage& image, const std::string& version,
                                const MemoryReader* memory = nullptr,
                                const MemoryMap* map = nullptr);

}  // namespace loopscope
