#pragma once

#include <cstdint>
#include <string>

namespace loopscope {

/// Name of a system call of this architecture ("read"), "syscall 1234" for one that is not
/// in the table. The table has those that can sleep and those that are common.
std::string syscall_name(std::int64_t number);

}  // namespace loopscope
