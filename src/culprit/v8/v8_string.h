#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "culprit/v8/v8_heap.h"

namespace loopscope {

/// Where the characters of a flat string stand.
struct V8Characters {
  std::uint64_t address = 0;
  std::uint32_t length = 0;  ///< in characters
  bool one_byte = true;      ///< Latin-1; else UTF-16
};

/// Longest name or path that is read; the rest is cut off.
inline constexpr std::size_t kMaxNameLength = 1024;

/// Which part of a long name is kept.
enum class V8NameEnd : std::uint8_t {
  kBeginning,
  kEnd,  ///< of a path, where the file's own name is; an ellipsis stands for the rest
};

/// A string of any representation as UTF-8, of kMaxNameLength characters at most. Control
/// characters become '?'. Absent: no string, or broken or nested too deeply.
std::optional<std::string> read_string(const V8Heap& heap, std::uint64_t tagged,
                                       V8NameEnd kept = V8NameEnd::kBeginning);

/// The characters of a sequential, external, sliced or thin string, or of a cons string that
/// has been flattened. Absent for others.
std::optional<V8Characters> flat_characters(const V8Heap& heap, std::uint64_t tagged);

}  // namespace loopscope
