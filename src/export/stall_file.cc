#include "export/stall_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <system_error>
#include <utility>

#include "export/json_api.h"

namespace loopscope {
namespace {

constexpr mode_t kMode = 0640;

std::string reason(int error) { return std::generic_category().message(error); }

}  // namespace

StallFile::StallFile(StallFileOptions options, Tell tell)
    : options_(std::move(options)), tell_(std::move(tell)) {
  note(open());
}

void StallFile::write(const StallRecord& stall) {
  const std::string line = stall_json(stall) + "\n";
  const std::lock_guard lock(mutex_);
  const Result<void> outcome = append(line);
  if (!outcome) ++lost_;
  note(outcome);
}

Result<void> StallFile::append(const std::string& line) {
  if (!file_.valid()) {
    if (auto ok = open(); !ok) return ok;
  }
  if (size_ > 0 && size_ + line.size() > options_.max_bytes) {
    if (auto ok = rotate(); !ok) return ok;
  }
  // What is left of a torn line is ended first, so that it spoils no other.
  const std::string text = torn_ ? "\n" + line : line;
  ssize_t written = 0;
  do {
    written = ::write(file_.get(), text.data(), text.size());
  } while (written < 0 && errno == EINTR);
  if (written < 0) {
    return Error{"cannot write " + options_.path + ": " + reason(errno)};
  }
  size_ += static_cast<std::uint64_t>(written);
  if (static_cast<std::size_t>(written) == text.size()) {
    torn_ = false;
    return {};
  }
  torn_ = torn_ || written > 0;
  return Error{"cannot write a whole line to " + options_.path + ": the disk may be full"};
}

Result<void> StallFile::open() {
  // Not to be kept waiting by a FIFO, O_NONBLOCK; on a regular file it means nothing.
  UniqueFd file(::open(options_.path.c_str(),
                       O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, kMode));
  if (!file.valid()) {
    const int error = errno;
    return Error{"cannot open " + options_.path + ": " +
                 (error == ELOOP ? "it is a symbolic link; name the file itself" : reason(error))};
  }
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) {
    return Error{"cannot look at " + options_.path + ": " + reason(errno)};
  }
  if (!S_ISREG(status.st_mode)) return Error{options_.path + " is not a regular file"};
  file_ = std::move(file);
  size_ = static_cast<std::uint64_t>(status.st_size);
  torn_ = false;
  return {};
}

Result<void> StallFile::rotate() {
  for (std::size_t number = options_.keep; number > 0; --number) {
    const std::string from = number > 1 ? rotated(number - 1) : options_.path;
    if (std::rename(from.c_str(), rotated(number).c_str()) == 0) continue;
    const int error = errno;
    if (error == ENOENT) continue;  // not yet so many, or taken away by somebody
    return Error{"cannot rotate " + options_.path + ": " + from + ": " + reason(error)};
  }
  file_ = UniqueFd();
  return open();
}

std::string StallFile::rotated(std::size_t number) const {
  return options_.path + "." + std::to_string(number);
}

void StallFile::note(const Result<void>& outcome) {
  const bool was_failing = std::exchange(failing_, !outcome.ok());
  if (!tell_ || was_failing == failing_) return;
  if (failing_) {
    tell_("stall log: " + outcome.error().message);
  } else {
    tell_("stall log: " + options_.path +
          " is written again; stalls left out: " + std::to_string(std::exchange(lost_, 0)));
  }
}

}  // namespace loopscope
