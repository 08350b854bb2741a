#include "target/memory_map.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <optional>

#include "target/deleted_file.h"
#include "target/proc_file.h"
#include "target/remote_memory.h"

namespace loopscope {
namespace {

/// 65,536 lines of some 130 bytes.
constexpr std::size_t kMapsCap = std::size_t{8} << 20;
constexpr std::size_t kMaxPath = 4096;

bool take_hex(std::string_view& text, char terminator, std::uint64_t& value) {
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  if (error != std::errc{} || rest == text.data() + text.size() || *rest != terminator) {
    return false;
  }
  text.remove_prefix(static_cast<std::size_t>(rest - text.data()) + 1);
  return true;
}

bool is_octal(char c) { return c >= '0' && c <= '7'; }

/// The kernel writes a newline in a path as \012 (seq_path; nothing else is escaped).
std::string unescape(std::string_view text) {
  std::string path;
  path.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && text.size() - i >= 4 && is_octal(text[i + 1]) && is_octal(text[i + 2]) &&
        is_octal(text[i + 3])) {
      const int code = (text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0');
      path += static_cast<char>(static_cast<unsigned char>(code));
      i += 3;
    } else {
      path += text[i];
    }
  }
  return path;
}

// 7f0a1c000000-7f0a1c021000 rw-p 00000000 fd:01 1234     /path
std::optional<Mapping> parse_line(std::string_view line) {
  Mapping mapping;
  std::uint64_t major = 0;
  std::uint64_t minor = 0;
  if (!take_hex(line, '-', mapping.start) || !take_hex(line, ' ', mapping.end)) {
    return std::nullopt;
  }
  if (mapping.end <= mapping.start || line.size() < 5) return std::nullopt;
  mapping.readable = line[0] == 'r';
  mapping.writable = line[1] == 'w';
  mapping.executable = line[2] == 'x';
  line.remove_prefix(5);
  if (!take_hex(line, ' ', mapping.offset) || !take_hex(line, ':', major) ||
      !take_hex(line, ' ', minor) || !take_number(line, mapping.inode)) {
    return std::nullopt;
  }
  mapping.dev_major = static_cast<std::uint32_t>(major);
  mapping.dev_minor = static_cast<std::uint32_t>(minor);
  const std::size_t path = line.find_first_not_of(' ');
  if (path != std::string_view::npos) {
    mapping.path = unescape(line.substr(path, kMaxPath));
    if (mapping.inode != 0 && mapping.path.ends_with(kDeletedMark)) {
      mapping.deleted = true;
      mapping.path.resize(mapping.path.size() - kDeletedMark.size());
    }
  }
  return mapping;
}

}  // namespace

MemoryMap MemoryMap::parse(std::string_view text) {
  MemoryMap map;
  while (!text.empty() && map.mappings_.size() < kMaxMappings) {
    const std::size_t newline = text.find('\n');
    const std::string_view line = text.substr(0, newline);
    text.remove_prefix(newline == std::string_view::npos ? text.size() : newline + 1);
    auto mapping = parse_line(line);
    if (!mapping) continue;
    // The kernel lists them in order; a text that does not is not a maps file.
    if (!map.mappings_.empty() && mapping->start < map.mappings_.back().end) continue;
    map.mappings_.push_back(std::move(*mapping));
  }
  return map;
}

const Mapping* MemoryMap::find(std::uint64_t address) const {
  const auto after = std::upper_bound(
      mappings_.begin(), mappings_.end(), address,
      [](std::uint64_t value, const Mapping& mapping) { return value < mapping.end; });
  return after != mappings_.end() && after->contains(address) ? &*after : nullptr;
}

const Mapping* MemoryMap::find_path(std::string_view path) const {
  const auto found = std::find_if(mappings_.begin(), mappings_.end(),
                                  [&](const Mapping& mapping) { return mapping.path == path; });
  return found != mappings_.end() ? &*found : nullptr;
}

Result<MemoryMap> read_memory_map(int pid) {
  int cause = 0;
  const auto text = read_proc_file("/proc/" + std::to_string(pid) + "/maps", kMapsCap, &cause);
  if (!text) return ptrace_access_error(pid, "the memory map", cause == ENOENT ? ESRCH : cause);
  return MemoryMap::parse(*text);
}

}  // namespace loopscope
