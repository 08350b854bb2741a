#pragma once

#include <string>

namespace loopscope {

/// Of ASCII alone, whatever the locale.
constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_lower_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); }
constexpr bool is_ascii_control(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

/// `text` with its control characters replaced by '?'.
inline std::string without_controls(std::string text) {
  for (char& c : text) {
    if (is_ascii_control(c)) c = '?';
  }
  return text;
}

}  // namespace loopscope
