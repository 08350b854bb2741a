#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace loopscope {

/// What no symbol of an image tells, per major version of Node (one V8 each). Found in running
/// processes, as said, and equal in main and worker threads.
struct V8VersionFacts {
  int major = 0;
  /// Operands of `mov [r13+x], rbp` in the builtins: CEntry has the first, code that calls C
  /// functions directly the second (V8RootSlots reads them from the image).
  std::int32_t c_entry_fp = 0;
  std::int32_t fast_call_fp = 0;
  /// From c_entry_fp. Self: the one word around it that holds the isolate's own address. State:
  /// the one word that reads 0 and 1 in turn in a process that does nothing but gc(), and 6
  /// (EXTERNAL) in an idle one. 0: not known.
  std::int32_t self = 0;
  std::int32_t state = 0;
  std::uint32_t bytecode_positions = 0;
  std::uint32_t code_start = 0;
  // These have symbols in newer versions, which come first.
  std::uint32_t code_size = 0;
  std::uint32_t code_flags = 0;
  std::uint32_t code_positions = 0;
  std::uint32_t code_deopt_data = 0;
  std::uint32_t stream_header = 0;  ///< 0: instructions stand in the Code object
  std::uint32_t deopt_literals = 0;
  std::uint32_t deopt_shared = 0;
  std::uint32_t deopt_inlining = 0;
  std::uint32_t script_source_url = 0;  ///< source_mapping_url is the word after it
  /// Of the translations of deoptimization data, from the first version with Maglev on; read off
  /// the arrays of running processes. What V8Layout says of them.
  std::uint32_t translation_begin = 0;
  std::uint32_t translation_opcodes = 0;
  std::uint32_t translation_frame_operands = 0;

  /// Of a version that came after the last known one: that one's facts, but for those that
  /// the image and its processes have to tell.
  bool is_assumed = false;
};

/// Major version of "v22.1.0" or "22.1.0"; 0: none.
int major_of(const std::string& version);

/// Absent: older than the oldest known version, or none.
std::optional<V8VersionFacts> facts_of_version(const std::string& version);

}  // namespace loopscope
