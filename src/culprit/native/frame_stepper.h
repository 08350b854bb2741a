#pragma once

#include <cstdint>
#include <optional>

#include "culprit/native/cfi_row.h"
#include "culprit/native/frame_registers.h"
#include "target/memory_map.h"
#include "target/memory_reader.h"

namespace loopscope {

/// Goes from a frame to its caller's, on one stack, only upwards, and only to addresses in
/// executable mappings; so any walk ends, whatever the stack holds.
class FrameStepper {
 public:
  /// All must outlive this. The stack ends where the mapping of `sp` does.
  FrameStepper(const MemoryReader& memory, const MemoryMap& map, std::uint64_t sp);

  /// By a row of the unwind tables. False: no further (the outermost frame, a register that
  /// is not known, or nonsense); `frame` is then unchanged.
  bool step_by_cfi(const CfiRow& row, FrameRegisters& frame) const;
  /// By the frame pointer, for code without tables: the return address must follow a call.
  bool step_by_frame_pointer(FrameRegisters& frame) const;

  /// Whether a row needs the frame pointer and it is not known.
  static bool lacks_frame_pointer(const CfiRow& row, const FrameRegisters& frame);
  /// For such a frame: finds the frame pointer where a function that set up its frame as
  /// `frame_size` bytes below it must have it, if what stands there is a frame.
  bool recover_frame_pointer(std::uint64_t frame_size, FrameRegisters& frame) const;

 private:
  bool is_on_stack(std::uint64_t address) const;
  bool is_code(std::uint64_t address) const;
  /// Whether a call instruction ends at `address`.
  bool follows_call(std::uint64_t address) const;
  /// The return address of the frame whose frame pointer is `fp`.
  std::optional<std::uint64_t> checked_return_address(std::uint64_t fp) const;
  /// The caller's value of a register. False: the rule cannot be followed.
  bool apply(const CfiRow& row, std::size_t number, std::uint64_t cfa, const FrameRegisters& frame,
             std::optional<std::uint64_t>& value) const;

  const MemoryReader& memory_;
  const MemoryMap& map_;
  std::uint64_t low_;
  std::uint64_t high_;
};

}  // namespace loopscope
