#include "base/byte_size.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/quoted_text.h"

namespace loopscope {
namespace {

struct SizeUnit {
  std::string_view name;
  std::uint64_t bytes;
};

constexpr std::array<SizeUnit, 3> kSizeUnits = {{{"GiB", std::uint64_t{1} << 30},
                                                 {"MiB", std::uint64_t{1} << 20},
                                                 {"KiB", std::uint64_t{1} << 10}}};

Error bad_size(std::string_view text, const std::string& why) {
  return Error{quoted_text(text) + " is not a size: " + why};
}

}  // namespace

Result<std::uint64_t> parse_byte_size(std::string_view text) {
  std::uint64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [after, error] = std::from_chars(text.data(), end, number);
  if (error == std::errc::result_out_of_range) return bad_size(text, "it is too large");
  if (error != std::errc())
    return bad_size(text, "expected a whole number and a unit, such as 10MiB");
  const std::string_view name(after, static_cast<std::size_t>(end - after));
  if (name.empty()) return bad_size(text, "the unit is missing (KiB, MiB or GiB)");
  const auto* const unit = std::find_if(kSizeUnits.begin(), kSizeUnits.end(),
                                        [&](const SizeUnit& u) { return u.name == name; });
  if (unit == kSizeUnits.end()) {
    return bad_size(text, "unknown unit " + quoted_text(name) + "; allowed are KiB, MiB and GiB");
  }
  std::uint64_t bytes = 0;
  if (__builtin_mul_overflow(number, unit->bytes, &bytes)) return bad_size(text, "it is too large");
  return bytes;
}

std::string format_byte_size(std::uint64_t bytes) {
  for (const SizeUnit& unit : kSizeUnits) {
    if (bytes != 0 && bytes % unit.bytes == 0) {
      return std::to_string(bytes / unit.bytes) + std::string(unit.name);
    }
  }
  return std::to_string(bytes) + " bytes";
}

}  // namespace loopscope
