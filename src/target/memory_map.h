#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace loopscope {

/// One line of /proc/PID/maps: addresses [start, end).
struct Mapping {
  std::uint64_t start = 0;
  std::uint64_t end = 0;
  std::uint64_t offset = 0;  ///< of `start` in the file
  bool readable = false;
  bool writable = false;
  bool executable = false;
  std::uint32_t dev_major = 0;
  std::uint32_t dev_minor = 0;
  std::uint64_t inode = 0;  ///< 0: anonymous
  /// File, "[stack]", "[heap]"... or empty. Escapes undone, " (deleted)" cut off into `deleted`.
  std::string path;
  bool deleted = false;

  bool contains(std::uint64_t address) const { return address >= start && address < end; }
  std::uint64_t size() const { return end - start; }
  bool is_file() const { return inode != 0; }
  /// The path counts, too: on btrfs inode numbers are not unique per device.
  bool is_of_same_file(const Mapping& other) const {
    return inode == other.inode && dev_major == other.dev_major && dev_minor == other.dev_minor &&
           path == other.path;
  }
};

/// Address space of a process at one instant, sorted by address.
class MemoryMap {
 public:
  /// Lines past this are left out: Linux allows 65,530 mappings by default.
  static constexpr std::size_t kMaxMappings = 65536;

  /// Parses the text of a maps file; malformed lines are left out.
  static MemoryMap parse(std::string_view text);

  const std::vector<Mapping>& mappings() const { return mappings_; }
  /// The mapping that holds `address`, or nullptr. Valid as long as this MemoryMap.
  const Mapping* find(std::uint64_t address) const;
  /// The first mapping with this path ("[stack]"), or nullptr.
  const Mapping* find_path(std::string_view path) const;

 private:
  std::vector<Mapping> mappings_;
};

/// Needs ptrace access (PTRACE_MODE_READ).
Result<MemoryMap> read_memory_map(int pid);

}  // namespace loopscope
