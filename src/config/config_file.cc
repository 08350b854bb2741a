#include "config/config_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "base/unique_fd.h"

namespace loopscope {
namespace {

std::string reason(int code) { return std::generic_category().message(code); }

}  // namespace

Result<std::string> read_text_file(const std::string& path, std::size_t max_bytes) {
  // O_NONBLOCK: opening a FIFO must not wait for its writer.
  const UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!fd.valid()) return Error{path + ": cannot be opened: " + reason(errno)};
  struct stat status {};
  if (fstat(fd.get(), &status) != 0) return Error{path + ": cannot be read: " + reason(errno)};
  if (S_ISDIR(status.st_mode)) return Error{path + ": is a directory; expected a file"};
  if (!S_ISREG(status.st_mode)) return Error{path + ": is not a regular file"};

  // One byte more than allowed tells "too large", also for files that report no size.
  std::string text(max_bytes + 1, '\0');
  std::size_t filled = 0;
  while (filled < text.size()) {
    const ssize_t got = read(fd.get(), text.data() + filled, text.size() - filled);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Error{path + ": cannot be read: " + reason(errno)};
    if (got == 0) break;
    filled += static_cast<std::size_t>(got);
  }
  if (filled > max_bytes) {
    return Error{path + ": is larger than " + std::to_string(max_bytes) + " bytes"};
  }
  text.resize(filled);
  return text;
}

bool file_exists(const std::string& path) {
  struct stat status {};
  return stat(path.c_str(), &status) == 0 || errno != ENOENT;
}

}  // namespace loopscope
