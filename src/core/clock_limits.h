#pragma once

#include <chrono>
#include <cstdint>

#include "base/clock.h"

namespace loopscope {

// What a tracker believes of the times it is told; they come from outside.

/// Beyond this, two looks or turns have nothing to do with each other.
inline constexpr Nanos kLongestStep = std::chrono::hours(24);
/// Sums of two such times still fit.
inline constexpr Nanos kLargestTime = Nanos(std::int64_t{1} << 61);
/// A look further in the past than this means that the clock is another one.
inline constexpr Nanos kClockChange = std::chrono::seconds(1);

}  // namespace loopscope
