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
#include "culprit/v8/v8_maglev_code.h"
#include "culprit/v8/v8_position_table.h"
#include "culprit/v8/v8_scripts.h"
#include "culprit/v8/v8_stack.h"

namespace loopscope {

/// What is known of the handler of an interpreted frame's bytecode.
enum class V8Handler : std::uint8_t {
  kUnknown,  ///< what runs or has been called may be one or not
  kNone,     ///< something else runs
  kRuns,     ///< the registers belong to it
  kCalls,    ///< it has called something else
};

/// The words of a frame of generated code around its frame pointer.
struct V8FrameWords {
  std::uint64_t fp = 0;
  std::uint64_t pc = 0;  ///< in this frame's code, inside the running instruction; 0: unknown
  bool is_top = false;   ///< what runs now; r9 and r12 belong to it
  V8Handler handler = V8Handler::kUnknown;
  /// Where its part of the stack begins, with those of builtins it has called; 0: not known.
  std::uint64_t low = 0;
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
  /// The frames of optimized code alone, for a function whose frame does not stand yet or no
  /// more.
  std::vector<V8Frame> name_code(std::uint64_t pc);
  /// Whether the words are those of an interpreted function's frame. Others may have numbers of
  /// their own where that has the bytecode's offset.
  bool is_interpreted(const V8FrameWords& words) const;
  /// Whether the optimized code at words.pc is that of the frame's function.
  bool is_own_frame(const V8FrameWords& words);
  /// A JSFunction by name only; absent: it is none.
  std::optional<V8Frame> name_function(std::uint64_t tagged);
  std::optional<V8Code> code(std::uint64_t pc) { return codes_.find(heap_, pc); }
  const V8Heap& heap() const { return heap_; }

 private:
  struct Function {
    V8Function facts;
    std::string file;
    bool is_named_by_url = false;
  };

  /// nullptr: not readable. Valid as long as this.
  const Function* function(std::uint64_t tagged_shared);
  /// Without a position the line is not known.
  V8Frame frame_of(const Function& function, std::optional<std::uint32_t> position);
  int line_of(const Function& function, std::uint32_t position);
  std::vector<V8Frame> name_anew(const V8FrameWords& words, V8CodeKind kind,
                                 const StackRegisters& registers);
  /// The function that optimized code was made of; nullptr: not readable.
  const Function* outer_of(const V8Code& code);
  /// `is_top`: pc is what runs; else it is inside a call.
  std::vector<V8Frame> optimized_frames(const V8Code& code, std::uint64_t pc, bool is_top,
                                        std::optional<std::uint64_t> expected_shared);
  std::vector<V8Frame> turbofan_frames(const V8Code& code, std::uint64_t pc, const Function& outer);
  std::vector<V8Frame> maglev_frames(const V8Code& code, std::uint64_t pc, bool is_top);
  /// The line, if all that may run at `place` is on one, or the code's own table says which.
  int line_at(const V8CodePlace& place, const Function& function, const V8Code& code);
  bool has_inlined_functions(const V8Code& code) const;
  std::optional<V8Position> code_position(const V8Code& code, std::uint64_t offset) const;
  struct Inlining {
    std::uint64_t shared = 0;  ///< 0: a part of the outer function itself
    std::optional<V8Position> called_from;
  };
  std::optional<Inlining> inlining(const V8Code& code, int id) const;
  /// The line an interpreted frame is at.
  int interpreter_line(const V8FrameWords& words, const V8Object& bytecodes,
                       const Function& function, const StackRegisters& registers);
  /// What may be the offset of the bytecode on the part of the stack that its handler uses,
  /// counted like r9 and [fp-40].
  struct Spilled {
    bool has_array = false;              ///< the bytecode array is there, too
    std::optional<std::int64_t> offset;  ///< of several, none
    bool is_ambiguous = false;
  };
  Spilled spilled_offset(const V8FrameWords& words, std::int64_t bias, std::uint32_t length) const;
  std::optional<std::uint32_t> baseline_position(const V8Code& code, std::uint64_t pc,
                                                 const V8FrameWords& words) const;
  std::optional<std::vector<std::byte>> bytecode_positions(const V8Object& bytecodes) const;
  std::optional<std::uint32_t> bytecode_position(const V8Object& bytecodes,
                                                 std::int64_t offset) const;

  const V8Heap& heap_;
  V8CodeFinder& codes_;
  V8Scripts& scripts_;
  // Recursion asks for the same again and again.
  std::map<std::uint64_t, std::optional<Function>> functions_;          // by tagged pointer
  std::map<std::pair<std::uint64_t, std::uint32_t>, int> lines_;        // by script, position
  std::map<std::array<std::uint64_t, 4>, std::vector<V8Frame>> named_;  // by words of the frame
  std::map<std::uint64_t, std::optional<V8MaglevCode>> maglev_;         // by start of the code
};

}  // namespace loopscope
