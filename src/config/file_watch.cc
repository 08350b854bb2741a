#include "config/file_watch.h"

#include <functional>
#include <utility>

#include "config/config_file.h"

namespace loopscope {

FileWatch::FileWatch(std::string path, std::size_t max_bytes)
    : path_(std::move(path)), max_bytes_(max_bytes) {
  mark();
}

void FileWatch::mark() {
  look();
  known_ = content_;
}

bool FileWatch::has_changed() {
  const std::optional<Stamp> before = stamp_;
  const std::size_t content_before = content_;
  // What could not be read may be readable without looking different.
  if (!was_read_ || stamp_of(path_) != before) look();
  if (content_ != content_before || content_ == known_) return false;
  known_ = content_;
  return true;
}

/// The stamp comes first: what is written between the two is seen by the next look.
void FileWatch::look() {
  stamp_ = stamp_of(path_);
  const auto text = read_text_file(path_, max_bytes_);
  was_read_ = text.ok();
  content_ = std::hash<std::string>()(text ? *text : text.error().message);
}

std::optional<FileWatch::Stamp> FileWatch::stamp_of(const std::string& path) {
  const auto nanoseconds = [](const timespec& time) {
    return time.tv_sec * std::int64_t{1'000'000'000} + time.tv_nsec;
  };
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return std::nullopt;
  return Stamp{status.st_dev, status.st_ino, status.st_size, nanoseconds(status.st_mtim),
               nanoseconds(status.st_ctim)};
}

}  // namespace loopscope
