#include "culprit/native/perf_map.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <utility>
#include <vector>

#include "base/kept_end.h"
#include "target/process_info.h"

namespace loopscope {
namespace {

constexpr std::size_t kChunk = 65536;
constexpr std::uint64_t kMaxPerRefresh = std::uint64_t{16} << 20;
constexpr std::size_t kMaxName = 1024;
constexpr std::size_t kMaxText = 256;  // of a function's or file's name

/// Control characters replaced.
std::string clean(std::string_view text) {
  std::string cleaned(text);
  std::replace_if(
      cleaned.begin(), cleaned.end(),
      [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; }, '?');
  return cleaned;
}

/// Of a path the end is kept.
std::string clean_file(std::string_view path) {
  return kept_end(clean(path.substr(path.size() - std::min(path.size(), 2 * kMaxText))), kMaxText);
}

bool take_hex(std::string_view& text, std::uint64_t& value) {
  if (text.starts_with("0x")) text.remove_prefix(2);
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  if (error != std::errc{}) return false;
  text.remove_prefix(static_cast<std::size_t>(rest - text.data()));
  if (text.empty() || text.front() != ' ') return false;
  text.remove_prefix(1);
  return true;
}

/// Takes ":NUMBER" off the end of `text`.
std::optional<int> take_number_suffix(std::string_view& text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  int value = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data() + colon + 1, end, value);
  if (error != std::errc{} || rest != end || value < 0) return std::nullopt;
  text = text.substr(0, colon);
  return value;
}

/// Where "function file" is split: before what looks like the beginning of a file's name, for
/// both may have blanks in them; else at the last blank.
std::size_t find_file(std::string_view text) {
  for (const std::string_view begin : {" /", " file:", " node:"}) {
    if (const std::size_t at = text.find(begin); at != std::string_view::npos) return at;
  }
  return text.rfind(' ');
}

}  // namespace

StackFrame parse_perf_map_name(std::string_view name) {
  StackFrame frame;
  frame.kind = "js";
  static constexpr std::string_view kKinds[] = {
      "JS:", "LazyCompile:", "Function:", "Script:", "Eval:"};
  const auto* const kind =
      std::find_if(std::begin(kKinds), std::end(kKinds),
                   [&](std::string_view prefix) { return name.starts_with(prefix); });
  if (kind == std::end(kKinds)) {
    frame.function = clean(name.substr(0, kMaxText));
    return frame;
  }
  name.remove_prefix(kind->size());
  // Which compiler made it: ~ interpreter, ^ baseline, + Maglev, * TurboFan.
  if (!name.empty() && std::string_view("~^+*`").find(name.front()) != std::string_view::npos) {
    name.remove_prefix(1);
  }
  std::string_view place = name;
  std::optional<int> line = take_number_suffix(place);
  if (line) {
    if (const auto before = take_number_suffix(place)) line = before;
  }
  const std::size_t blank = line ? find_file(place) : std::string_view::npos;
  if (blank == std::string_view::npos) {
    frame.function = clean(name.substr(0, kMaxText));
    return frame;
  }
  frame.function = clean(place.substr(0, std::min(blank, kMaxText)));
  std::string_view file = place.substr(blank + 1);
  if (file.starts_with("file://")) file.remove_prefix(7);
  frame.file = clean_file(file);
  frame.line = *line;
  return frame;
}

PerfMap PerfMap::open(int pid) {
  const auto inner_pid = ns_tid(pid, pid);
  const std::string process = "/proc/" + std::to_string(pid);
  struct stat owner {};
  if (!inner_pid || ::stat(process.c_str(), &owner) != 0) return {};
  const UniqueFd root(::open((process + "/root").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  const UniqueFd directory(
      ::openat(root.get(), "tmp", O_PATH | O_NOFOLLOW | O_DIRECTORY | O_CLOEXEC));
  const std::string name = "perf-" + std::to_string(*inner_pid) + ".map";
  // Looked at before it is opened for good: opening a device or a FIFO has effects.
  const UniqueFd place(::openat(directory.get(), name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
  struct stat status {};
  if (!place.valid() || ::fstat(place.get(), &status) != 0 || !S_ISREG(status.st_mode) ||
      (status.st_uid != owner.st_uid && status.st_uid != 0)) {
    return {};
  }
  const std::string self = "/proc/self/fd/" + std::to_string(place.get());
  return PerfMap(UniqueFd(::open(self.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)));
}

std::optional<StackFrame> PerfMap::find(std::uint64_t pc) {
  if (!refresh()) return std::nullopt;
  auto after = entries_.upper_bound(pc);
  if (after == entries_.begin()) return std::nullopt;
  const Entry& entry = std::prev(after)->second;
  if (pc >= entry.end) return std::nullopt;
  std::string name(entry.name_size, '\0');
  if (read(entry.name_at, name.data(), name.size()) < name.size()) return std::nullopt;
  return parse_perf_map_name(name);
}

bool PerfMap::refresh() {
  struct stat status {};
  if (!file_.valid() || ::fstat(file_.get(), &status) != 0) return false;
  const auto size = static_cast<std::uint64_t>(status.st_size);
  if (size < read_to_) {  // begun anew
    entries_.clear();
    read_to_ = 0;
  }
  if (size > kMaxFileSize) return false;
  const std::uint64_t limit = std::min(size, read_to_ + kMaxPerRefresh);
  std::vector<char> buffer(size > read_to_ ? kChunk : 0);
  while (read_to_ < limit) {
    const std::size_t wanted = std::min<std::uint64_t>(buffer.size(), limit - read_to_);
    const std::size_t got = read(read_to_, buffer.data(), wanted);
    if (got == 0) return false;
    const std::size_t used = parse_lines(std::string_view(buffer.data(), got), read_to_);
    if (used == 0) {
      // A line that is being written right now, or one of no use.
      if (got < kChunk) return limit == size;
      read_to_ += got;
    }
    read_to_ += used;
  }
  return read_to_ == size;
}

std::size_t PerfMap::parse_lines(std::string_view text, std::uint64_t offset) {
  std::size_t used = 0;
  for (std::size_t end = text.find('\n'); end != std::string_view::npos;
       end = text.find('\n', used)) {
    parse_line(text.substr(used, end - used), offset + used);
    used = end + 1;
  }
  return used;
}

void PerfMap::parse_line(std::string_view line, std::uint64_t offset) {
  std::string_view rest = line;
  std::uint64_t start = 0;
  std::uint64_t size = 0;
  if (!take_hex(rest, start) || !take_hex(rest, size)) return;
  if (size == 0 || start + size < start || rest.empty()) return;
  Entry entry;
  entry.end = start + size;
  entry.name_at = static_cast<std::uint32_t>(offset + line.size() - rest.size());
  entry.name_size = static_cast<std::uint16_t>(std::min(rest.size(), kMaxName));
  add(start, entry);
}

void PerfMap::add(std::uint64_t start, const Entry& entry) {
  // Code memory is reused: what lay there is gone, also if there is no room for the new.
  auto at = entries_.lower_bound(start);
  if (at != entries_.begin() && std::prev(at)->second.end > start) --at;
  while (at != entries_.end() && at->first < entry.end) at = entries_.erase(at);
  if (entries_.size() < kMaxEntries) entries_.emplace(start, entry);
}

std::size_t PerfMap::read(std::uint64_t offset, char* destination, std::size_t size) const {
  ssize_t got = -1;
  do {
    got = ::pread(file_.get(), destination, size, static_cast<off_t>(offset));
  } while (got < 0 && errno == EINTR);
  return got > 0 ? static_cast<std::size_t>(got) : 0;
}

}  // namespace loopscope
