#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"
#include "loopscope/stall_record.h"

namespace loopscope {

struct StallFileOptions {
  std::string path;
  std::uint64_t max_bytes = std::uint64_t{10} << 20;  ///< the file is rotated before it is larger
  std::size_t keep = 3;                               ///< rotated ones kept: PATH.1 (newest)...

  friend bool operator==(const StallFileOptions&, const StallFileOptions&) = default;
};

/// Writes stalls down, one JSON line each (as in /api/v1/stalls), each with one write() of
/// its own: whoever follows the file sees a line at once and whole. The file belongs to its
/// user and group (0640), is appended to, and must be a regular one: no links, no devices.
///
/// What goes wrong (no such directory, disk full) is never fatal: the stall is left out,
/// the first failure in a row is told, and so is its end with the number of stalls lost.
/// A file that cannot be rotated takes no more lines, so that it does not fill the disk.
/// Thread-safe. Writing may take as long as the disk does.
class StallFile {
 public:
  using Tell = std::function<void(const std::string&)>;

  /// Opens the file, so that a bad path is told of at once. `tell` may be null.
  StallFile(StallFileOptions options, Tell tell);
  StallFile(const StallFile&) = delete;
  StallFile& operator=(const StallFile&) = delete;

  void write(const StallRecord& stall);

 private:
  // The lock is held.
  Result<void> append(const std::string& line);
  Result<void> open();
  Result<void> rotate();
  void note(const Result<void>& outcome);
  std::string rotated(std::size_t number) const;

  const StallFileOptions options_;
  const Tell tell_;
  std::mutex mutex_;
  UniqueFd file_;
  std::uint64_t size_ = 0;
  bool torn_ = false;  ///< the last line was written in part only
  bool failing_ = false;
  std::uint64_t lost_ = 0;
};

}  // namespace loopscope
