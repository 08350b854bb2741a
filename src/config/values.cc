#include "config/values.h"

#include <algorithm>
#include <array>

#include "base/byte_size.h"
#include "base/duration.h"
#include "base/quoted_text.h"
#include "base/series_labels.h"
#include "base/whole_number.h"

namespace loopscope {
namespace {

bool is_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte < 0x20 || byte == 0x7F;
}
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '_';
}

}  // namespace

Result<Nanos> parse_bounded_duration(std::string_view text, DurationBounds bounds) {
  auto duration = parse_duration(text);
  if (!duration || (*duration >= bounds.min && *duration <= bounds.max)) return duration;
  return Error{quoted_text(text) + " is out of range; allowed are " + format_duration(bounds.min) +
               " to " + format_duration(bounds.max)};
}

Result<int> parse_pid(std::string_view text) {
  const auto value = parse_whole_number(text, "process id", 1, kMaxPid);
  if (!value) return value.error();
  return static_cast<int>(*value);
}

Result<std::uint16_t> parse_port(std::string_view text) {
  const auto value = parse_whole_number(text, "port", 1, 65535);
  if (!value) return value.error();
  return static_cast<std::uint16_t>(*value);
}

Result<std::size_t> parse_max_loops(std::string_view text) {
  const auto value = parse_whole_number(text, "number of loops", 1, kMaxMaxLoops);
  if (!value) return value.error();
  return static_cast<std::size_t>(*value);
}

Result<std::uint64_t> parse_bounded_size(std::string_view text, SizeBounds bounds) {
  auto size = parse_byte_size(text);
  if (!size || (*size >= bounds.min && *size <= bounds.max)) return size;
  return Error{quoted_text(text) + " is out of range; allowed are " + format_byte_size(bounds.min) +
               " to " + format_byte_size(bounds.max)};
}

Result<std::size_t> parse_stall_log_keep(std::string_view text) {
  const auto value = parse_whole_number(text, "number of files", 1, kMaxStallLogKeep);
  if (!value) return value.error();
  return static_cast<std::size_t>(*value);
}

Result<std::string> parse_path(std::string_view text) {
  if (text.empty()) return Error{"the file name is empty"};
  if (text.size() > kMaxPathBytes) {
    return Error{quoted_text(text) + " is longer than " + std::to_string(kMaxPathBytes) + " bytes"};
  }
  if (std::any_of(text.begin(), text.end(), is_control)) {
    return Error{quoted_text(text) + " contains control characters"};
  }
  return std::string(text);
}

Result<bool> parse_bool(std::string_view text) {
  if (text == "true") return true;
  if (text == "false") return false;
  return Error{quoted_text(text) + " is neither true nor false"};
}

Result<LogFormat> parse_log_format(std::string_view text) {
  if (text == "text") return LogFormat::kText;
  if (text == "json") return LogFormat::kJson;
  return Error{quoted_text(text) + " is not a log format; allowed are text and json"};
}

Result<LogLevel> parse_log_level(std::string_view text) {
  if (text == "debug") return LogLevel::kDebug;
  if (text == "info") return LogLevel::kInfo;
  if (text == "warn") return LogLevel::kWarn;
  if (text == "error") return LogLevel::kError;
  return Error{quoted_text(text) + " is not a log level; allowed are debug, info, warn and error"};
}

Result<CompatibilitySwitches> parse_compatibility(std::string_view text) {
  CompatibilitySwitches switches;
  for (;;) {
    const std::size_t comma = text.find(',');
    const std::string_view name = text.substr(0, comma);
    if (name == "prom-client") {
      switches.prom_client = true;
    } else if (name == "opentelemetry") {
      switches.opentelemetry = true;
    } else {
      return Error{quoted_text(name) +
                   " is not a monitor; allowed are prom-client and opentelemetry, or both with a "
                   "comma between them"};
    }
    if (comma == std::string_view::npos) return switches;
    text.remove_prefix(comma + 1);
  }
}

Result<bool> parse_metric_detail(std::string_view text) {
  if (text == "default") return false;
  if (text == "full") return true;
  return Error{quoted_text(text) + " is no set of metrics; allowed are default and full"};
}

Result<std::string> parse_label_value(std::string_view text) {
  if (text.empty()) return Error{"\"\" is not a label value; it must not be empty"};
  if (text.size() > kMaxLabelValueBytes) {
    return Error{quoted_text(text) + " is longer than " + std::to_string(kMaxLabelValueBytes) +
                 " bytes"};
  }
  if (std::any_of(text.begin(), text.end(), is_control)) {
    return Error{quoted_text(text) + " contains control characters"};
  }
  return std::string(text);
}

Result<std::string> parse_label_name(std::string_view text) {
  const auto bad = [&](const std::string& why) {
    return Error{quoted_text(text) + " cannot be a label name: " + why};
  };
  if (text.empty() || is_digit(text.front()) || !std::all_of(text.begin(), text.end(), is_word)) {
    return bad("letters, digits and underscores are allowed, not starting with a digit");
  }
  if (text.size() > kMaxLabelValueBytes) {
    return bad("it is longer than " + std::to_string(kMaxLabelValueBytes) + " bytes");
  }
  if (text.starts_with("__")) return bad("names starting with __ are reserved by Prometheus");
  if (is_series_label(text)) {
    return bad("Loopscope's own series use it");
  }
  return std::string(text);
}

}  // namespace loopscope
