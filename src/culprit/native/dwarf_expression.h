#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "culprit/native/frame_registers.h"
#include "target/memory_reader.h"

namespace loopscope {

/// Result of a DWARF expression of unwind tables (of PLT entries and signal frames, mostly):
/// straight-line arithmetic on registers, constants and memory. `initial` is pushed first.
/// Absent: a register or memory is not known, it uses other operations (branches among them),
/// or makes no sense. Time is bounded by the expression's size.
std::optional<std::uint64_t> evaluate_expression(std::span<const std::byte> expression,
                                                 const FrameRegisters& registers,
                                                 const MemoryReader& memory,
                                                 std::optional<std::uint64_t> initial);

}  // namespace loopscope
