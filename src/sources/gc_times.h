#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "core/loop_sample.h"

namespace loopscope {

/// What was read at the addresses of GcTimes.
struct GcTimeWords {
  std::array<std::uint64_t, 2> current{};
  std::array<std::uint64_t, 2> previous{};
  std::uint32_t count = 0;
};

/// What they say at `now`; absent if they cannot be times of collections.
std::optional<Collections> collections_from(const GcTimeWords& words, bool in_milliseconds,
                                            Nanos now);

}  // namespace loopscope
