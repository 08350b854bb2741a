#pragma once

#include <cstdint>
#include <optional>

namespace loopscope {

/// Where a target keeps the times of its newest collections: pairs of words, start and end on
/// the monotonic clock, of the current (or last) one and of the one before.
struct GcTimes {
  std::uint64_t current = 0;
  std::uint64_t previous = 0;
  std::uint64_t count = 0;       ///< of 32 bits: how many have begun
  bool in_milliseconds = false;  ///< a double of milliseconds, else an integer of microseconds

  friend bool operator==(const GcTimes&, const GcTimes&) = default;
};

/// A word of a target's memory: while it reads `value`, the garbage collector runs on the
/// loop's thread.
struct GcWord {
  std::uint64_t address = 0;
  std::uint32_t value = 0;
  std::optional<GcTimes> times = std::nullopt;  ///< absent: not known

  friend bool operator==(const GcWord&, const GcWord&) = default;
};

}  // namespace loopscope
