#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "culprit/v8/v8_code.h"
#include "culprit/v8/v8_code_map.h"
#include "culprit/v8/v8_function.h"
#include "culprit/v8/v8_heap.h"
#include "culprit/v8/v8_scripts.h"
#include "culprit/v8/v8_stack.h"

namespace loopscope {

/// The words of a frame of generated code around its frame pointer.
struct V8FrameWords {
  std::uint64_t fp = 0;
  std::uint64_t pc = 0;  ///< in this frame's code, inside the running instruction; 0: unknown
  bool is_top = false;   ///< what runs now; r9 and r12 belong to it
  std::uint64_t bytecode_offset = 0;  ///< [fp-40] of an interpreted frame
  std::uint64_t bytecode_array = 0;   ///< [fp-32]
  std::uint64_t function = 0;         ///< [fp-16]
  std::uint64_t marker = 0;           ///< [fp-8]: frame type as a Smi, or the context
  std::uint64_t caller_fp = 0;        ///< [fp]
  std::uint64_t return_pc = 0;        ///< [fp+8]

  bool is_typed() const { return (marker & 1) == 0; }
  std::uint64_t type() const { return marker >> 1; }
};

/// Turns frames of JavaScript functions into names, files and lines. Lives as long as one walk.
class V8Frames {
 public:
  V8Frames(const V8Heap& heap, V8CodeFinder& codes, V8Scripts& scripts)
      : heap_(heap), codes_(codes), scripts_(scripts) {}

  std::optional<V8FrameWords> read(std::uint64_t fp, std::uint64_t pc) const;
  /// The frames, innermost first, of a JavaScript frame: more than one if functions were
  /// inlined. `kind`: of the code at words.pc. Empty: it failed its checks.
  std::vector<V8Frame> name(const V8FrameWords& words, V8CodeKind kind,
                            const StackRegisters& registers);
  /// The frames of optimized code alone, for a function whose frame does not stand yet.
  std::vector<V8Frame> name_code(std::uint64_t pc);
  /// A JSFunction by name only; absent: it is none.
  std::optional<V8Frame> name_function(std::uint64_t tagged);
  std::optional<V8Code> code(std::uint64_t pc) { return codes_.find(heap_, pc); }
  const V8Heap& heap() const { return heap_; }

 private:
  struct Function {
    V8Function facts;
    std::string file;
  };

  /// nullptr: not readable. Valid as long as this.
  const Function* function(std::uint64_t tagged_shared);
  V8Frame frame_of(const Function& function, std::optional<std::uint32_t> position);
  std::vector<V8Frame> name_anew(const V8FrameWords& words, V8CodeKind kind,
                                 const StackRegisters& registers);
  std::vector<V8Frame> optimized_frames(const V8Code& code, std::uint64_t pc,
                                        std::optional<std::uint64_t> expected_shared);
  std::optional<std::uint32_t> interpreter_position(const V8FrameWords& words,
                                                    const V8Object& bytecodes,
                                                    const StackRegisters& registers) const;
  std::optional<std::uint32_t> baseline_position(const V8Code& code, std::uint64_t pc,
                                                 const V8FrameWords& words) const;
  std::optional<std::uint32_t> bytecode_position(const V8Object& bytecodes,
                                                 std::int64_t offset) const;

  const V8Heap& heap_;
  V8CodeFinder& codes_;
  V8Scripts& scripts_;
  // Recursion asks for the same again and again.
  std::map<std::uint64_t, std::optional<Function>> functions_;          // by tagged pointer
  std::map<std::pair<std::uint64_t, std::uint32_t>, int> lines_;        // by script, position
  std::map<std::array<std::uint64_t, 4>, std::vector<V8Frame>> named_;  // by words of the frame
};

}  // namespace loopscope
