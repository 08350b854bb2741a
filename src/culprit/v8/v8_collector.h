#pragma once

#include <cstdint>
#include <optional>

#include "base/clock.h"
#include "target/memory_reader.h"

namespace loopscope {

/// Where V8 keeps the times of its newest collections: two pairs of words, start and end, of the
/// current (or last) one and of the one before, on the monotonic clock; and how many there were.
struct V8CollectionWords {
  std::uint64_t current = 0;
  std::uint64_t previous = 0;
  std::uint64_t count = 0;       ///< 32 bits
  bool in_milliseconds = false;  ///< a double of milliseconds, else an integer of microseconds

  friend bool operator==(const V8CollectionWords&, const V8CollectionWords&) = default;
};

/// Those of the isolate whose root this is (V8Isolates). Absent where the version's offsets are
/// not known or what is found there is not what it should be: the tracer must know its heap,
/// and the times must be such. `now`: on the monotonic clock.
std::optional<V8CollectionWords> find_v8_collection_words(int node_major, std::uint64_t root,
                                                          const MemoryReader& memory, Nanos now);

}  // namespace loopscope
