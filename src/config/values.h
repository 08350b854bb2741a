#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "config/config.h"

// Scalar settings, read alike from the file and from the command line. Every error
// quotes the text and says what is allowed.

namespace loopscope {

struct DurationBounds {
  Nanos min{0};
  Nanos max{0};
};
inline constexpr DurationBounds kStallThresholdBounds{std::chrono::milliseconds(5),
                                                      std::chrono::seconds(60)};
inline constexpr DurationBounds kSampleIntervalBounds{std::chrono::microseconds(100),
                                                      std::chrono::milliseconds(100)};
inline constexpr DurationBounds kBacklogIntervalBounds{std::chrono::milliseconds(10),
                                                       std::chrono::seconds(10)};
inline constexpr DurationBounds kDiscoveryIntervalBounds{std::chrono::milliseconds(100),
                                                         std::chrono::seconds(60)};
inline constexpr std::size_t kMaxMaxLoops = 10'000;
/// Linux's PID_MAX_LIMIT: no kernel hands out a larger pid, whatever its pid_max says.
inline constexpr int kMaxPid = 4'194'304;
inline constexpr std::size_t kMaxLabelValueBytes = 256;
inline constexpr std::size_t kMaxPathBytes = 4000;
struct SizeBounds {
  std::uint64_t min = 0;
  std::uint64_t max = 0;
};
inline constexpr SizeBounds kStallLogSizeBounds{std::uint64_t{64} << 10, std::uint64_t{1} << 30};
inline constexpr std::size_t kMaxStallLogKeep = 100;

Result<Nanos> parse_bounded_duration(std::string_view text, DurationBounds bounds);
Result<int> parse_pid(std::string_view text);
/// 1 to 65535.
Result<std::uint16_t> parse_port(std::string_view text);
Result<std::size_t> parse_max_loops(std::string_view text);
Result<std::uint64_t> parse_bounded_size(std::string_view text, SizeBounds bounds);
/// How many rotated files to keep: 1 to kMaxStallLogKeep.
Result<std::size_t> parse_stall_log_keep(std::string_view text);
/// Of a file: not empty, no control characters, bounded.
Result<std::string> parse_path(std::string_view text);
Result<bool> parse_bool(std::string_view text);
Result<LogFormat> parse_log_format(std::string_view text);
Result<LogLevel> parse_log_level(std::string_view text);
/// What to be compatible with, as names with commas between: "prom-client,opentelemetry".
Result<CompatibilitySwitches> parse_compatibility(std::string_view text);
/// "default" or "full": whether all series are shown.
Result<bool> parse_metric_detail(std::string_view text);
/// A `process` label: not empty, no control characters, bounded.
Result<std::string> parse_label_value(std::string_view text);
/// A label name Prometheus accepts and no series of ours uses.
Result<std::string> parse_label_name(std::string_view text);

}  // namespace loopscope
