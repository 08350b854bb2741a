#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "target/memory_reader.h"

namespace loopscope {

/// The arguments as libuv copied them before a program could write a title over them
/// (uv_setup_args(), which Node calls first of all): one block of pointers, a null pointer, and
/// the strings one after the other. `holder`: where the address of the block is kept (libuv's
/// args_mem). Absent: what is there does not look like that.
std::optional<std::vector<std::string>> read_uv_arguments(const MemoryReader& memory,
                                                          std::uint64_t holder);

/// The same of a process whose main program has libuv and symbols.
std::optional<std::vector<std::string>> read_uv_arguments(int pid);

}  // namespace loopscope
