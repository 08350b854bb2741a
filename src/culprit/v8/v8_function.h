#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "culprit/v8/v8_heap.h"

namespace loopscope {

/// What V8 knows of a function's source: a SharedFunctionInfo.
struct V8Function {
  V8Object shared;
  std::string name;                    ///< never empty: "<anonymous>" if it has none
  std::optional<V8Object> script;      ///< builtins have none
  std::optional<std::uint32_t> start;  ///< where it begins in its script, in characters
};

/// Reads a SharedFunctionInfo, or the wrapper of one. Absent: it is none, or not readable.
std::optional<V8Function> read_function(const V8Heap& heap, std::uint64_t tagged);

/// The bytecodes of a SharedFunctionInfo, or of the wrapper of one. Absent: it has none now.
std::optional<V8Object> bytecodes_of(const V8Heap& heap, std::uint64_t tagged_shared);

/// The SharedFunctionInfo of a JSFunction.
std::optional<std::uint64_t> shared_of(const V8Heap& heap, const V8Object& function);

}  // namespace loopscope
