#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace loopscope {

/// How far below its frame pointer a function keeps the stack pointer, by its prologue
/// ("push rbp; mov rbp, rsp; push r15; ... sub rsp, 0x208", in whatever order the compiler
/// mixed them with other work). `code` are the function's first bytes, at most up to the pc of
/// interest; they are hostile. Absent: not of that form.
std::optional<std::uint64_t> frame_size_by_prologue(std::span<const std::byte> code,
                                                    std::uint64_t address);

}  // namespace loopscope
