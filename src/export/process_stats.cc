#include "export/process_stats.h"

#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <system_error>

namespace loopscope {
namespace {

// Boot time in seconds since the epoch: the line "btime N" of /proc/stat.
std::optional<double> boot_time() {
  std::ifstream in("/proc/stat");
  for (std::string line; std::getline(in, line);) {
    std::istringstream fields(line);
    std::string name;
    double seconds = 0;
    if (fields >> name >> seconds && name == "btime") return seconds;
  }
  return std::nullopt;
}

// Fields of /proc/self/stat after the command name, from state (proc(5) number 3) on.
void read_stat(ProcessStats& stats) {
  std::ifstream in("/proc/self/stat");
  std::string line;
  if (!std::getline(in, line)) return;
  const std::size_t paren = line.rfind(')');
  if (paren == std::string::npos) return;
  std::istringstream rest(line.substr(paren + 1));
  constexpr std::size_t kFirst = 3;
  constexpr std::size_t kUtime = 14, kStime = 15, kStartTime = 22, kVsize = 23, kRss = 24;
  std::array<double, kRss + 1> fields{};
  std::string state;
  rest >> state;
  for (std::size_t i = kFirst + 1; i <= kRss; ++i) {
    if (!(rest >> fields[i])) return;
  }
  const auto ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
  stats.cpu_seconds = (fields[kUtime] + fields[kStime]) / ticks;
  stats.virtual_bytes = fields[kVsize];
  stats.resident_bytes = fields[kRss] * static_cast<double>(sysconf(_SC_PAGESIZE));
  static const std::optional<double> boot = boot_time();
  if (boot) stats.start_time_seconds = *boot + fields[kStartTime] / ticks;
}

}  // namespace

ProcessStats read_process_stats() {
  ProcessStats stats;
  read_stat(stats);
  std::error_code error;
  const std::filesystem::directory_iterator fds("/proc/self/fd", error);
  if (!error) {
    // The descriptor of the iteration itself is not one of the process's own.
    stats.open_fds = static_cast<double>(std::distance(begin(fds), end(fds)) - 1);
  }
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY) {
    stats.max_fds = static_cast<double>(limit.rlim_cur);
  }
  return stats;
}

}  // namespace loopscope
