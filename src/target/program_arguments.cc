#include "target/program_arguments.h"

#include "target/proc_file.h"
#include "target/text_part.h"

namespace loopscope {
namespace {

constexpr std::size_t kMaxBytes = 65536;
constexpr std::size_t kMaxArguments = 1024;

}  // namespace

ProgramArguments parse_arguments(std::string_view bytes) {
  ProgramArguments arguments;
  if (bytes.empty()) return arguments;
  const bool was_cut = bytes.size() >= kMaxBytes;
  const std::size_t last = bytes.find_last_not_of('\0');
  const std::size_t used = last == std::string_view::npos ? 0 : last + 1;
  const std::size_t zeros = bytes.size() - used;
  std::string_view text = bytes.substr(0, used);
  while (!text.empty() && arguments.values.size() < kMaxArguments) {
    arguments.values.emplace_back(take_part(text, '\0'));
  }
  const bool is_one = arguments.values.size() == 1;
  arguments.is_rewritten = !was_cut && (zeros == 0 || (is_one && zeros > 1));
  return arguments;
}

Result<ProgramArguments> read_arguments(int pid) {
  const auto bytes = read_proc_file("/proc/" + std::to_string(pid) + "/cmdline", kMaxBytes);
  if (!bytes) return bytes.error();
  return parse_arguments(*bytes);
}

}  // namespace loopscope
