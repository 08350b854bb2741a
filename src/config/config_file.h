#pragma once

#include <cstddef>
#include <string>

#include "base/result.h"

namespace loopscope {

/// The whole of a regular file. Errors name the path: missing, unreadable, a directory
/// or other special file, more than `max_bytes`. Never waits, whatever the path names.
Result<std::string> read_text_file(const std::string& path, std::size_t max_bytes);

/// Whether the path names anything. What cannot be looked up for another reason than that it is
/// not there counts as existing: reading it tells.
bool file_exists(const std::string& path);

}  // namespace loopscope
