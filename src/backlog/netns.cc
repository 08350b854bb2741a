#include "backlog/netns.h"

#include <sys/stat.h>

#include <cerrno>
#include <charconv>
#include <string>
#include <system_error>

#include "target/proc_file.h"

namespace loopscope {
namespace {

constexpr std::size_t kMaxNetstatBytes = 65536;
constexpr std::string_view kTcpExt = "TcpExt:";

Result<NetnsId> netns_behind(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) {
    return Error{"cannot look up " + path + ": " + errno_text(errno)};
  }
  return NetnsId{info.st_dev, info.st_ino};
}

std::string_view take_until(std::string_view& text, char separator) {
  const std::size_t end = text.find(separator);
  const std::string_view head = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return head;
}

std::optional<std::uint64_t> column(std::string_view names, std::string_view values,
                                    std::string_view wanted) {
  while (!names.empty() && !values.empty()) {
    const std::string_view name = take_until(names, ' ');
    const std::string_view text = take_until(values, ' ');
    if (name != wanted) continue;
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
  }
  return std::nullopt;
}

}  // namespace

Result<NetnsId> netns_of(int pid) {
  return netns_behind("/proc/" + std::to_string(pid) + "/net/netstat");
}

Result<NetnsId> own_netns() { return netns_behind("/proc/self/net/netstat"); }

std::optional<ListenCounters> parse_listen_counters(std::string_view netstat) {
  std::string_view names;
  while (!netstat.empty()) {
    const std::string_view line = take_until(netstat, '\n');
    if (!line.starts_with(kTcpExt)) continue;
    if (names.empty()) {
      names = line;
      continue;
    }
    const auto overflows = column(names, line, "ListenOverflows");
    const auto drops = column(names, line, "ListenDrops");
    if (!overflows || !drops) return std::nullopt;
    return ListenCounters{*overflows, *drops};
  }
  return std::nullopt;
}

Result<ListenCounters> read_listen_counters(int pid) {
  const std::string path = "/proc/" + std::to_string(pid) + "/net/netstat";
  const Result<std::string> text = read_proc_file(path, kMaxNetstatBytes);
  if (!text) return text.error();
  const std::optional<ListenCounters> counters = parse_listen_counters(*text);
  if (!counters) return Error{path + " has no TcpExt ListenOverflows and ListenDrops"};
  return *counters;
}

}  // namespace loopscope
