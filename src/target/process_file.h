#pragma once

#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace loopscope {

/// Opens a file for reading by the path a process has for it: below its root directory, which
/// no symbolic link and no ".." leaves, and never through a link of /proc. The path may come
/// from the process and be hostile: regular files only, and only those that the permission bits
/// allow the process itself to read, as this program may read more. Never blocks on a FIFO, and
/// opens no device. Error: no absolute path, no such file, no regular one, not the process's.
Result<UniqueFd> open_process_file(int pid, const std::string& path);

}  // namespace loopscope
