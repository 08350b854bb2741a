#pragma once

#include <sys/stat.h>

#include <compare>
#include <cstdint>

namespace loopscope {

/// What stat() tells of a file, as far as it identifies its contents. An inode number alone is
/// soon given to the next file: a program that is upgraded often gets its predecessor's.
struct FileStamp {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::uint64_t size = 0;
  std::int64_t changed_ns = 0;
  auto operator<=>(const FileStamp&) const = default;

  static FileStamp of(const struct stat& status) {
    return {status.st_dev, status.st_ino, static_cast<std::uint64_t>(status.st_size),
            status.st_ctim.tv_sec * std::int64_t{1'000'000'000} + status.st_ctim.tv_nsec};
  }
};

}  // namespace loopscope
