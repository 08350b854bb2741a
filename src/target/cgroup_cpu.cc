#include "target/cgroup_cpu.h"

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>
#include <utility>

#include "target/cgroup_directory.h"
#include "target/proc_file.h"

namespace loopscope {
namespace {

/// Deeper nesting than any container runtime makes.
constexpr std::size_t kMaxLevels = 32;
/// Longer times (4 years) are nonsense; sums of kMaxLevels of these fit.
constexpr std::uint64_t kMostNanos = std::uint64_t{1} << 57;

UniqueFd open_file(const std::string& directory, const char* name) {
  return UniqueFd(::open((directory + "/" + name).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
}

/// Empty if it cannot be read; points into `buffer`.
std::string_view read_small(const UniqueFd& file, std::span<char> buffer) {
  if (!file.valid()) return {};
  const long got = pread_start(file.get(), buffer);
  return got <= 0 ? std::string_view() : std::string_view(buffer.data(), std::size_t(got));
}

std::optional<std::uint64_t> value_of(std::string_view text, std::string_view key) {
  while (!text.empty()) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (!line.starts_with(key)) continue;
    line.remove_prefix(key.size());
    std::uint64_t value = 0;
    if (line.starts_with(' ') && take_number(line, value)) return value;
  }
  return std::nullopt;
}

double cpus(std::uint64_t quota_us, std::uint64_t period_us) {
  if (period_us == 0) return 0;
  return static_cast<double>(quota_us) / static_cast<double>(period_us);
}

}  // namespace

std::optional<Nanos> parse_throttled(std::string_view text) {
  // Version 1 counts in nanoseconds, version 2 in microseconds.
  if (const auto ns = value_of(text, "throttled_time")) return Nanos(std::min(*ns, kMostNanos));
  if (const auto us = value_of(text, "throttled_usec")) {
    return Nanos(std::min(*us, kMostNanos / 1000) * 1000);
  }
  return std::nullopt;
}

double parse_cpu_max(std::string_view text) {
  std::uint64_t quota = 0;
  std::uint64_t period = 0;
  if (!take_number(text, quota) || !take_number(text, period)) return 0;
  return cpus(quota, period);
}

double parse_cfs_quota(std::string_view quota, std::string_view period) {
  std::uint64_t quota_us = 0;
  std::uint64_t period_us = 0;
  if (!take_number(quota, quota_us) || !take_number(period, period_us)) return 0;
  return cpus(quota_us, period_us);
}

std::optional<CgroupCpu::Level> CgroupCpu::open_level(const std::string& directory,
                                                      bool is_version2) {
  Level level;
  level.stat = open_file(directory, "cpu.stat");
  std::array<char, 4096> buffer;
  if (!parse_throttled(read_small(level.stat, buffer))) return std::nullopt;
  level.limit = open_file(directory, is_version2 ? "cpu.max" : "cpu.cfs_quota_us");
  if (!is_version2) level.period = open_file(directory, "cpu.cfs_period_us");
  return level;
}

Result<CgroupCpu> CgroupCpu::open(int pid) {
  const auto directories = find_cgroup_directories(pid, "cpu");
  if (!directories) return directories.error();
  for (const CgroupDirectory& directory : *directories) {
    CgroupCpu cpu;
    std::string path = directory.path;
    cpu.local_ = open_file(path, "cpu.stat.local");
    for (std::size_t depth = 0; depth < kMaxLevels; ++depth) {
      // A version 2 group without the controller is held by the quota of one above it.
      if (auto level = open_level(path, directory.is_version2)) {
        cpu.levels_.push_back(*std::move(level));
      }
      if (path.size() <= directory.mount_point.size()) break;
      path.resize(path.rfind('/'));
    }
    if (!cpu.levels_.empty()) return cpu;
  }
  return Error{"no group above pid " + std::to_string(pid) + " has CPU accounting"};
}

Result<ThrottleCounters> CgroupCpu::read() const {
  std::array<char, 4096> buffer;
  std::array<char, 64> second;
  ThrottleCounters found;
  for (const Level& level : levels_) {
    const auto throttled = parse_throttled(read_small(level.stat, buffer));
    if (!throttled) return Error{"the CPU cgroup of the process has been removed"};
    found.throttled += *throttled;
    const double limit = level.period.valid() ? parse_cfs_quota(read_small(level.limit, buffer),
                                                                read_small(level.period, second))
                                              : parse_cpu_max(read_small(level.limit, buffer));
    if (limit > 0 && (found.limit_cpus == 0 || limit < found.limit_cpus)) {
      found.limit_cpus = limit;
    }
  }
  // A sum counts twice what two levels throttle at a time.
  if (const auto local = parse_throttled(read_small(local_, buffer))) found.throttled = *local;
  return found;
}

}  // namespace loopscope
