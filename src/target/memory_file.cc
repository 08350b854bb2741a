#include "target/memory_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>

namespace loopscope {
namespace {

// The file shows the kernel's addresses and PROT_NONE pages to nobody, but its offsets are
// signed for pread().
constexpr std::uint64_t kUserSpaceEnd = std::uint64_t{1} << 56;

}  // namespace

MemoryFile::MemoryFile(int pid)
    : file_(::open(("/proc/" + std::to_string(pid) + "/mem").c_str(), O_RDONLY | O_CLOEXEC)) {
  if (!valid() && errno == ENOENT) errno = ESRCH;
}

std::size_t MemoryFile::read_some(std::uint64_t address, std::span<std::byte> destination) const {
  std::size_t done = 0;
  while (done < destination.size()) {
    const std::uint64_t at = address + done;
    if (at < address || at >= kUserSpaceEnd) {
      errno = EFAULT;
      break;
    }
    const ssize_t got = ::pread(file_.get(), destination.data() + done, destination.size() - done,
                                static_cast<off_t>(at));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EIO) errno = EFAULT;
    if (got == 0) errno = ESRCH;
    if (got <= 0) break;
    done += static_cast<std::size_t>(got);
  }
  return done;
}

}  // namespace loopscope
