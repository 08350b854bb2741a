#pragma once

#include <string_view>

namespace loopscope {

/// Takes the part up to `separator` (or the end) off the front, and the separator.
inline std::string_view take_part(std::string_view& text, char separator) {
  const std::size_t end = text.find(separator);
  const std::string_view part = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return part;
}

}  // namespace loopscope
