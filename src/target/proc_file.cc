#include "target/proc_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <system_error>

#include "base/unique_fd.h"

namespace loopscope {

std::string errno_text(int error_number) { return std::generic_category().message(error_number); }

Result<std::string> read_proc_file(const std::string& path, std::size_t cap, int* error_number) {
  const auto failure = [&](const char* what) {
    const int cause = errno;
    if (error_number != nullptr) *error_number = cause;
    return Error{what + path + ": " + errno_text(cause)};
  };
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!file.valid()) return failure("cannot open ");
  std::string content;
  std::array<char, 16384> chunk{};
  while (content.size() < cap) {
    const std::size_t wanted = std::min(chunk.size(), cap - content.size());
    const ssize_t got = ::read(file.get(), chunk.data(), wanted);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failure("cannot read ");
    if (got == 0) break;
    content.append(chunk.data(), static_cast<std::size_t>(got));
  }
  return content;
}

long pread_start(int fd, std::span<char> buffer) {
  while (true) {
    const ssize_t got = ::pread(fd, buffer.data(), buffer.size(), 0);
    if (got >= 0 || errno != EINTR) return got;
  }
}

bool take_number(std::string_view& text, std::uint64_t& value) {
  std::size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return false;
  int base = 10;
  if (text.substr(begin).starts_with("0x")) {
    base = 16;
    begin += 2;
  }
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data() + begin, end, value, base);
  if (error != std::errc{}) return false;
  text.remove_prefix(static_cast<std::size_t>(rest - text.data()));
  return true;
}

}  // namespace loopscope
