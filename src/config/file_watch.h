#pragma once

#include <sys/stat.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace loopscope {

/// Notices that a file has other content than before, whatever way it got it: written in place,
/// another file under its name, a link that points elsewhere, gone, readable now. Content counts
/// once it was the same in two looks, so that a file half written is not taken for a new one.
class FileWatch {
 public:
  /// What is there now is known. Of the content the first `max_bytes` count.
  FileWatch(std::string path, std::size_t max_bytes);

  const std::string& path() const { return path_; }
  /// What is there now is known; to be called before it is read.
  void mark();
  /// Whether the content is another one than what is known, and has been since the last look;
  /// from then on it is known. Reads the file only where its looks (stat) have changed.
  bool has_changed();

 private:
  struct Stamp {
    dev_t device;
    ino_t inode;
    off_t size;
    std::int64_t modified_ns;
    std::int64_t changed_ns;  ///< nobody can set this one back
    bool operator==(const Stamp&) const = default;
  };

  static std::optional<Stamp> stamp_of(const std::string& path);
  void look();

  const std::string path_;
  const std::size_t max_bytes_;
  std::optional<Stamp> stamp_;  ///< at the last look; nothing: no file
  bool was_read_ = false;
  std::size_t content_ = 0;  ///< hash of it, or of why it cannot be read
  std::size_t known_ = 0;
};

}  // namespace loopscope
