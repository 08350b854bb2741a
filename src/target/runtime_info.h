#pragma once

#include <cstdint>
#include <string>

#include "target/loaded_image.h"

namespace loopscope {

/// What kind of event loop a process runs, as far as its files tell.
struct RuntimeInfo {
  std::string name = "unknown";  ///< "node", "deno", "bun", "nginx", "redis", "libuv", "unknown"
  std::string version;           ///< "22.23.3"; empty: not known
  bool has_uv_run = false;       ///< some image of the process exports uv_run
  /// Image that exports uv_run as its mapping's start address; 0: none.
  std::uint64_t uv_mapping_start = 0;
};

}  // namespace loopscope
