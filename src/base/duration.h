#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"

namespace loopscope {

/// A duration as people write it: a number with an optional decimal fraction, directly
/// followed by its unit, which is required: ns, us, ms, s, m or h ("50ms", "1.5s").
/// Errors: no unit, unknown unit, negative, too large, finer than a nanosecond.
Result<Nanos> parse_duration(std::string_view text);

/// The exact duration in the largest of s, ms, us, ns that is not below one: "50ms",
/// "1.5s", "0s". parse_duration reads it back to the same value (if not negative).
std::string format_duration(Nanos duration);

/// For figures that are computed with and exported.
inline double in_seconds(Nanos duration) { return std::chrono::duration<double>(duration).count(); }
inline Nanos from_seconds(double seconds) {
  return std::chrono::duration_cast<Nanos>(std::chrono::duration<double>(seconds));
}

}  // namespace loopscope
