#include "base/whole_number.h"

#include <charconv>
#include <string>

#include "base/quoted_text.h"

namespace loopscope {

Result<long> parse_whole_number(std::string_view text, std::string_view what, long min, long max) {
  long value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, code] = std::from_chars(text.data(), end, value);
  const bool number = stop == end && !text.empty();
  if (number && code == std::errc() && value >= min && value <= max) return value;
  return Error{quoted_text(text) + " is not a " + std::string(what) + "; allowed are " +
               std::to_string(min) + " to " + std::to_string(max)};
}

}  // namespace loopscope
