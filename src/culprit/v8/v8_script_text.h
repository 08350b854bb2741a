#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "culprit/v8/v8_heap.h"
#include "culprit/v8/v8_string.h"

namespace loopscope {

/// Where the text of a script stands, as V8 runs it.
struct V8ScriptText {
  std::int32_t id = -1;  ///< of the script in its isolate
  V8Characters characters;
};

/// Absent: the script, or its text, cannot be read (V8 keeps none of its snapshot's).
std::optional<V8ScriptText> script_text_of(const V8Heap& heap, std::uint64_t script_address);

/// The first `limit` units of a text; absent: not readable.
std::optional<std::u16string> read_units(const MemoryReader& memory, const V8Characters& characters,
                                         std::size_t limit);

}  // namespace loopscope
