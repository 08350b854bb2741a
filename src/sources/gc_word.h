#pragma once

#include <cstdint>

namespace loopscope {

/// A word of a target's memory: while it reads `value`, the garbage collector runs on the
/// loop's thread.
struct GcWord {
  std::uint64_t address = 0;
  std::uint32_t value = 0;

  friend bool operator==(const GcWord&, const GcWord&) = default;
};

}  // namespace loopscope
