#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/unique_fd.h"
#include "loopscope/stall_record.h"

namespace loopscope {

/// A name a JIT gave its code, taken apart where it is V8's: "JS:*fib /srv/a.js:3:13",
/// "LazyCompile:~fib file:///srv/a.mjs:3". Kind "js"; anything else is a function's name.
StackFrame parse_perf_map_name(std::string_view name);

/// The file /tmp/perf-PID.map that a JIT writes for perf: lines "START SIZE name". It is
/// appended to while the program runs, and code that replaces other code hides it.
/// Names stay in the file and are read when asked for; what is kept is bounded, and so is the
/// file (64 MiB; no names from a longer one, for the last lines count most).
/// The file is the target's, hence hostile: a regular file owned by `uid` or root, opened
/// without following links. Not thread-safe.
class PerfMap {
 public:
  static constexpr std::size_t kMaxEntries = 100'000;
  static constexpr std::uint64_t kMaxFileSize = std::uint64_t{64} << 20;

  /// An empty map: no file.
  PerfMap() = default;
  explicit PerfMap(UniqueFd file) : file_(std::move(file)) {}
  /// That of a process, through its own mount namespace; empty if there is none.
  static PerfMap open(int pid);

  bool has_file() const { return file_.valid(); }
  /// The name of the code at `pc`, after reading what the file has gained, at most 16 MiB at a
  /// time: until all of it is read there are no names, rather than outdated ones.
  std::optional<StackFrame> find(std::uint64_t pc);
  std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    std::uint64_t end = 0;
    std::uint32_t name_at = 0;  ///< offset in the file
    std::uint16_t name_size = 0;
  };

  /// False: not read to its end, or not usable.
  bool refresh();
  std::size_t parse_lines(std::string_view text, std::uint64_t offset);
  void parse_line(std::string_view line, std::uint64_t offset);
  void add(std::uint64_t start, const Entry& entry);
  std::size_t read(std::uint64_t offset, char* destination, std::size_t size) const;

  UniqueFd file_;
  std::uint64_t read_to_ = 0;
  std::map<std::uint64_t, Entry> entries_;  ///< by start; they do not overlap
};

}  // namespace loopscope
