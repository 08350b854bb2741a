#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "culprit/v8/v8_code.h"
#include "culprit/v8/v8_heap.h"

namespace loopscope {

/// A function that optimized code stands for, and the bytecode it is at.
struct V8VirtualFrame {
  std::uint64_t shared = 0;          ///< tagged: a SharedFunctionInfo, or the wrapper of one
  std::int32_t bytecode_offset = 0;  ///< -1: its entry

  bool operator==(const V8VirtualFrame&) const = default;
};

/// What optimized code has to know to fall back to the interpreter: for every check and every
/// call that may end in it, the frames of the functions it stands for. It is what V8's own
/// stack traces are made of, so at a call it is exact. At a check it tells the bytecode to start
/// again from, the same one or an earlier one.
class V8DeoptData {
 public:
  /// Absent: not readable, or of a version whose form is not known.
  static std::optional<V8DeoptData> read(const V8Heap& heap, const V8Code& code);

  std::size_t size() const { return entries_.size(); }
  bool has_inlined_functions() const { return inlined_functions_ != 0; }
  /// Where the code jumps to to leave by entry `index`, from its start; absent: no place.
  std::optional<std::uint64_t> exit_of(std::size_t index) const;
  /// The frames at entry `index`, outermost first; empty: not readable.
  std::vector<V8VirtualFrame> frames(std::size_t index) const;
  /// The entry of the call that returns to `offset` from the code's start; absent: none.
  std::optional<std::size_t> entry_of_call(std::uint64_t offset) const;
  /// Places that calls with an entry return to, from the code's start, with that entry.
  struct Call {
    std::uint64_t returns_to = 0;
    std::size_t entry = 0;
  };
  const std::vector<Call>& calls() const { return calls_; }
  /// Where the exits begin: no other code stands behind it.
  std::uint64_t first_exit() const { return first_exit_; }

 private:
  struct Entry {
    std::int32_t bytecode_offset = 0;
    std::uint32_t translation = 0;
    std::int32_t pc = -1;
  };
  struct Instruction {
    std::uint32_t opcode = 0;
    std::int32_t first = 0;
    std::int32_t second = 0;
  };

  V8DeoptData() = default;
  bool read_entries(const V8Heap& heap, const V8Object& data);
  void read_calls(const V8Heap& heap, const V8Code& code);
  /// The instructions of the translation that begins at `start`; empty: broken.
  std::vector<Instruction> translation(std::uint32_t start, bool is_basis) const;
  int operands_of(std::uint32_t opcode) const;

  std::uint32_t begin_opcode_ = 0;
  std::uint32_t opcode_count_ = 0;
  int interpreted_operands_ = 0;
  std::vector<Entry> entries_;
  std::vector<Call> calls_;
  std::vector<std::byte> translations_;
  std::vector<std::uint32_t> starts_;  ///< of translations, ascending
  std::vector<std::uint64_t> literals_;
  std::uint64_t first_exit_ = 0;
  std::int32_t inlined_functions_ = 0;
};

}  // namespace loopscope
