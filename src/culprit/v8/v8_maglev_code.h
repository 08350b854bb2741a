#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "culprit/v8/v8_deopt.h"
#include "target/uv_disassembler.h"

namespace loopscope {

/// Which functions a place in optimized code stands for.
struct V8CodePlace {
  /// Outermost first. Of all but the last, bytecode_offset is that of the call.
  std::vector<V8VirtualFrame> frames;
  /// What the last one runs is one of the bytecodes from its bytecode_offset to this.
  std::int32_t last = 0;
  std::uint64_t offset = 0;  ///< from the code's start, in its main line
  bool is_in_loop = false;
};

/// Code of V8's middle compiler, Maglev. It has no table of positions (up to Node 24.19), or one
/// that is wrong in loops whose first turn was taken out of them (later). What it does have is
/// deoptimization data: at calls they tell the place exactly. Between them the code itself is
/// read: it stands in the order of the bytecodes, but for what runs seldom, which stands behind
/// it and jumps back; every turn of a loop ends in a check for interrupts, which is a call; a
/// check that fails jumps to an exit.
class V8MaglevCode {
 public:
  static std::optional<V8MaglevCode> read(const V8Heap& heap, const V8Code& code);

  /// Of the instruction at `offset` from the code's start, or in a call that returns right
  /// behind it. Absent: it may belong to more than one function.
  std::optional<V8CodePlace> at(const V8Heap& heap, std::uint64_t offset, bool is_call);

 private:
  /// A place whose bytecode is known.
  struct Mark {
    std::uint64_t offset = 0;
    std::size_t entry = 0;  ///< of the deoptimization data
    bool is_exact = false;  ///< else the bytecode is this or a later one
  };
  /// Code that runs seldom, and the conditional jump to it.
  struct Aside {
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
    std::uint64_t jumped_from = 0;
  };
  struct Loop {
    std::uint64_t begin = 0;
    std::uint64_t end = 0;  ///< behind the jump back
  };

  explicit V8MaglevCode(V8DeoptData deopt) : deopt_(std::move(deopt)) {}
  bool analyse(const V8Heap& heap);
  std::optional<V8CodePlace> between_marks(const V8Heap& heap, std::uint64_t offset);
  void find_asides(const std::vector<CodeInstruction>& code);
  void find_loops(const std::vector<CodeInstruction>& code);
  void find_marks(const std::vector<CodeInstruction>& code);
  /// Where in the main line of the code `offset` belongs.
  std::uint64_t in_main_line(std::uint64_t offset) const;
  const Loop* innermost_loop(std::uint64_t offset) const;
  const std::vector<V8VirtualFrame>& frames(std::size_t entry);

  V8DeoptData deopt_;
  std::uint64_t start_ = 0;
  std::optional<V8VirtualFrame> outer_;
  std::int32_t outer_last_ = 0;
  bool is_analysed_ = false;
  std::vector<Aside> asides_;
  std::vector<Loop> loops_;
  std::vector<Mark> marks_;  ///< ascending
  std::map<std::size_t, std::vector<V8VirtualFrame>> frames_;
};

}  // namespace loopscope
