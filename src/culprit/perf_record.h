#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "culprit/stack_sample.h"

namespace loopscope {

/// What a perf event of PerfTaker puts into each sample, in the kernel's order
/// (include/uapi/linux/perf_event.h, PERF_RECORD_SAMPLE).
inline constexpr std::uint64_t kPerfRegisters = (1U << 1) |   // bx
                                                (1U << 6) |   // bp
                                                (1U << 7) |   // sp
                                                (1U << 8) |   // ip
                                                (1U << 17) |  // r9
                                                (1U << 20) | (1U << 21) | (1U << 22) |
                                                (1U << 23);  // r12 to r15
inline constexpr std::uint32_t kPerfStackBytes = 32768;

/// Reads the body of one PERF_RECORD_SAMPLE with TID, TIME, REGS_USER (kPerfRegisters) and
/// STACK_USER. Absent: it is cut off, or of a thread that had no user mode registers.
std::optional<StackSample> parse_perf_sample(std::span<const std::byte> body);

}  // namespace loopscope
