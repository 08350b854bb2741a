#include "base/duration.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "base/ascii.h"
#include "base/quoted_text.h"

namespace loopscope {
namespace {

struct DurationUnit {
  std::string_view name;
  std::int64_t ns;
};

constexpr std::array<DurationUnit, 6> kDurationUnits = {{{"h", 3'600'000'000'000},
                                                         {"m", 60'000'000'000},
                                                         {"s", 1'000'000'000},
                                                         {"ms", 1'000'000},
                                                         {"us", 1'000},
                                                         {"ns", 1}}};

constexpr std::size_t kMaxDecimals = 9;

std::string_view take_digits(std::string_view& rest) {
  const auto end = std::find_if_not(rest.begin(), rest.end(), is_digit);
  const auto digits = rest.substr(0, static_cast<std::size_t>(end - rest.begin()));
  rest.remove_prefix(digits.size());
  return digits;
}

Error bad_duration(std::string_view text, const std::string& why) {
  return Error{quoted_text(text) + " is not a duration: " + why};
}

}  // namespace

Result<Nanos> parse_duration(std::string_view text) {
  std::string_view rest = text;
  if (rest.starts_with('-')) return bad_duration(text, "it must not be negative");
  const std::string_view whole = take_digits(rest);
  std::string_view fraction;
  if (rest.starts_with('.')) {
    rest.remove_prefix(1);
    fraction = take_digits(rest);
    if (fraction.empty()) return bad_duration(text, "expected a number and a unit, such as 50ms");
  }
  if (whole.empty()) return bad_duration(text, "expected a number and a unit, such as 50ms");
  if (rest.empty()) return bad_duration(text, "the unit is missing (ns, us, ms, s, m or h)");
  const auto* const unit = std::find_if(kDurationUnits.begin(), kDurationUnits.end(),
                                        [&](const DurationUnit& u) { return u.name == rest; });
  if (unit == kDurationUnits.end()) {
    return bad_duration(
        text, "unknown unit " + quoted_text(rest) + "; allowed are ns, us, ms, s, m and h");
  }

  std::int64_t total = 0;
  for (char c : whole) {
    if (__builtin_mul_overflow(total, std::int64_t{10}, &total) ||
        __builtin_add_overflow(total, std::int64_t{c - '0'}, &total)) {
      return bad_duration(text, "it is too large");
    }
  }
  if (__builtin_mul_overflow(total, unit->ns, &total)) return bad_duration(text, "it is too large");
  if (fraction.size() > kMaxDecimals)
    return bad_duration(text, "it has more than 9 decimal places");
  std::int64_t divisor = 1;
  for (char c : fraction) {
    divisor *= 10;
    const std::int64_t scaled = (c - '0') * unit->ns;
    if (scaled % divisor != 0) return bad_duration(text, "it is finer than a nanosecond");
    if (__builtin_add_overflow(total, scaled / divisor, &total)) {
      return bad_duration(text, "it is too large");
    }
  }
  return Nanos(total);
}

std::string format_duration(Nanos duration) {
  if (duration == Nanos(0)) return "0s";
  const bool negative = duration < Nanos(0);
  const auto count = static_cast<std::uint64_t>(duration.count());
  const std::uint64_t ns = negative ? 0 - count : count;
  const auto* const unit =
      std::find_if(kDurationUnits.begin() + 2, kDurationUnits.end(),
                   [&](const DurationUnit& u) { return ns >= static_cast<std::uint64_t>(u.ns); });
  const auto unit_ns = static_cast<std::uint64_t>(unit->ns);
  std::string out = (negative ? "-" : "") + std::to_string(ns / unit_ns);
  if (ns % unit_ns != 0) {
    // Adding unit_ns (a power of ten) keeps the leading zeros; its own digit is dropped.
    std::string fraction = std::to_string(unit_ns + ns % unit_ns).substr(1);
    fraction.erase(fraction.find_last_not_of('0') + 1);
    out += "." + fraction;
  }
  out += unit->name;
  return out;
}

}  // namespace loopscope
