#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <string>
#include <tuple>

#include "base/result.h"
#include "target/file_stamp.h"
#include "target/loaded_image.h"

namespace loopscope {

/// What kind of event loop a process runs, as far as its files tell.
struct RuntimeInfo {
  /// "node", "deno", "bun", "python", "libuv", "unknown"...
  std::string name = "unknown";
  std::string version;      ///< "22.23.3"; empty: not known
  bool has_uv_run = false;  ///< some image of the process has uv_run
  /// Start of the executable mapping of the image that has uv_run; 0: none.
  std::uint64_t uv_mapping_start = 0;
  /// Why an image that may well have uv_run, by its name, cannot be read; empty: all were.
  std::string unreadable;

  bool operator==(const RuntimeInfo&) const = default;
};

/// Why no thread of a program of this runtime is an event loop, whatever it waits in: such
/// runtimes hand polling from thread to thread. Empty: nothing is known against it.
std::string why_no_event_loop(const RuntimeInfo& runtime);
/// The main thread of such a program is its event loop wherever it waits in epoll, as far as
/// is known of the runtime; of others that has to be seen.
bool main_thread_is_loop(const RuntimeInfo& runtime);

/// Recognizes runtimes. Each image file is looked into once (for a Node binary some 15 ms)
/// and remembered for as long as it does not change; one that cannot be opened is tried again
/// at the next probe. Not thread-safe.
class RuntimeProbe {
 public:
  /// Looks at the memory map of `pid` and the images in it. Error: the map cannot be read.
  Result<RuntimeInfo> probe(int pid);
  /// What the executable's file alone tells: cheap, for it is remembered for all processes that
  /// run it. A libuv that is loaded as a library goes unnoticed; Node and Bun do not.
  RuntimeInfo probe_executable(int pid);

 private:
  struct ImageKey {
    std::uint32_t dev_major = 0;
    std::uint32_t dev_minor = 0;
    std::uint64_t inode = 0;
    std::string path;
    auto operator<=>(const ImageKey&) const = default;
  };
  struct ImageFacts {
    FileStamp stamp;
    bool has_uv_run = false;
    std::string node_version;
    std::string marked_runtime;  ///< by its sections: "go", "java", "bun"; empty: none of them
  };
  /// What stat() says of an executable.
  using FileKey = std::tuple<std::uint64_t, std::uint64_t, std::int64_t>;
  static constexpr std::size_t kMaxImages = 4096;

  Result<ImageFacts> facts_of(int pid, const MemoryMap& map, const Mapping& mapping);

  std::map<ImageKey, ImageFacts> images_;
  std::map<FileKey, RuntimeInfo> executables_;
};

/// The x.y.z that follows "node.js/v" in read-only data: Node's inspector tells its
/// version so (src/inspector_socket_server.cc). Empty: none.
std::string find_node_version(const ElfImage& elf);

}  // namespace loopscope
