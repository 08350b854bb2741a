#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <string>
#include <tuple>

#include "base/result.h"
#include "target/loaded_image.h"

namespace loopscope {

/// What kind of event loop a process runs, as far as its files tell.
struct RuntimeInfo {
  std::string name = "unknown";  ///< "node", "deno", "bun", "nginx", "redis", "libuv", "unknown"
  std::string version;           ///< "22.23.3"; empty: not known
  bool has_uv_run = false;       ///< some image of the process has uv_run
  /// Start of the executable mapping of the image that has uv_run; 0: none.
  std::uint64_t uv_mapping_start = 0;

  bool operator==(const RuntimeInfo&) const = default;
};

/// Recognizes runtimes. Each image file is looked into once (for a Node binary some 15 ms)
/// and remembered. Not thread-safe.
class RuntimeProbe {
 public:
  /// Looks at the memory map of `pid` and the images in it. Error: the map cannot be read.
  Result<RuntimeInfo> probe(int pid);

 private:
  struct ImageKey {
    std::uint32_t dev_major = 0;
    std::uint32_t dev_minor = 0;
    std::uint64_t inode = 0;
    std::string path;
    auto operator<=>(const ImageKey&) const = default;
  };
  struct ImageFacts {
    bool has_uv_run = false;
    std::string node_version;
  };
  static constexpr std::size_t kMaxImages = 4096;

  const ImageFacts& facts_of(int pid, const Mapping& mapping);

  std::map<ImageKey, ImageFacts> images_;
};

/// The x.y.z that follows "node.js/v" in read-only data: Node's inspector tells its
/// version so (src/inspector_socket_server.cc). Empty: none.
std::string find_node_version(const ElfImage& elf);

}  // namespace loopscope
