#include "target/proc_stat.h"

#include "target/proc_file.h"

namespace loopscope {
namespace {

/// Leaves out one field, which may be negative.
bool skip_field(std::string_view& text) {
  const std::size_t begin = text.find_first_not_of(' ');
  if (begin == std::string_view::npos) return false;
  const std::size_t end = text.find_first_of(" \n", begin);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end);
  return true;
}

bool skip_fields(std::string_view& text, int count) {
  for (int i = 0; i < count; ++i) {
    if (!skip_field(text)) return false;
  }
  return true;
}

}  // namespace

std::optional<ProcStat> parse_proc_stat(std::string_view text) {
  const std::size_t open = text.find('(');
  const std::size_t close = text.rfind(')');
  if (open == std::string_view::npos || close == std::string_view::npos || close < open) {
    return std::nullopt;
  }
  ProcStat stat;
  std::uint64_t number = 0;
  std::string_view head = text.substr(0, open);
  if (!take_number(head, number)) return std::nullopt;
  stat.pid = static_cast<int>(number);
  stat.comm = text.substr(open + 1, close - open - 1);

  std::string_view rest = text.substr(close + 1);
  const std::size_t state = rest.find_first_not_of(' ');
  if (state == std::string_view::npos) return std::nullopt;
  stat.state = rest[state];
  rest.remove_prefix(state + 1);

  // Fields by their numbers in proc(5): 4 ppid, 9 flags, 10 minflt, 14 utime, 15 stime,
  // 20 num_threads, 22 starttime.
  if (!take_number(rest, number)) return std::nullopt;
  stat.parent_pid = static_cast<int>(number);
  if (!skip_fields(rest, 4) || !take_number(rest, number)) return std::nullopt;
  stat.flags = static_cast<std::uint32_t>(number);
  if (!take_number(rest, stat.minor_faults)) return std::nullopt;
  if (!skip_fields(rest, 3) || !take_number(rest, stat.user_ticks)) return std::nullopt;
  if (!take_number(rest, stat.system_ticks)) return std::nullopt;
  if (!skip_fields(rest, 4) || !take_number(rest, stat.thread_count)) return std::nullopt;
  if (!skip_fields(rest, 1) || !take_number(rest, stat.start_time)) return std::nullopt;
  // 28 startstack.
  if (!skip_fields(rest, 5) || !take_number(rest, stat.stack_start)) stat.stack_start = 0;
  return stat;
}

}  // namespace loopscope
