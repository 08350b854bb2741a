#pragma once

#include <cstddef>
#include <string>

#include "base/result.h"

namespace loopscope {

/// The whole of a regular file. Errors name the path: missing, unreadable, a directory
/// or other special file, more than `max_bytes`. Never waits, whatever the path names.
Result<std::string> read_text_file(const std::string& path, std::size_t max_bytes);

}  // namespace loopscope
