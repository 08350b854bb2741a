#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "culprit/v8/v8_heap.h"

namespace loopscope {

/// Names and line tables of scripts. V8 makes a script's line table when somebody first asks
/// for a line; then it is searched where it stands. Else the lines are counted in the source,
/// once for each script. Bounded; forgets everything when full.
class V8Scripts {
 public:
  struct Name {
    std::string file;        ///< as its runtime has it, "file://" cut off; empty: none (eval)
    bool is_by_url = false;  ///< it has no name: what a `//# sourceURL=` in its text says
  };
  static Name name_of(const V8Heap& heap, const V8Object& script);
  /// A file of Node's own, not the program's.
  static bool is_internal(const std::string& file);

  /// The line, from 1 on, of a position in characters. 0: not known.
  int line_of(const V8Heap& heap, const V8Object& script, std::uint32_t position);

 private:
  struct Lines {
    std::vector<std::uint32_t> ends;  ///< positions of line ends
    std::uint32_t scanned = 0;        ///< characters that were looked at
  };
  /// Script ids are given per isolate: the length tells scripts of two threads apart.
  using Key = std::pair<std::int32_t, std::uint32_t>;

  std::optional<std::size_t> lines_before(const V8Heap& heap, const V8Object& script,
                                          std::uint32_t position);

  std::map<Key, Lines> lines_;
  std::size_t remembered_ends_ = 0;
};

}  // namespace loopscope
