#include "base/quoted_text.h"

#include <cstddef>

namespace loopscope {
namespace {

constexpr std::size_t kMaxShown = 64;
constexpr std::string_view kHexDigits = "0123456789abcdef";

bool is_utf8_continuation(char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; }

}  // namespace

std::string quoted_text(std::string_view text) {
  std::size_t shown = text.size();
  if (shown > kMaxShown) {
    shown = kMaxShown;
    while (shown > 0 && is_utf8_continuation(text[shown])) --shown;
  }
  std::string out = "\"";
  for (char c : text.substr(0, shown)) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (byte < 0x20 || byte == 0x7F) {
      out += "\\x";
      out += kHexDigits[byte >> 4U];
      out += kHexDigits[byte & 0xFU];
    } else {
      out += c;
    }
  }
  if (shown < text.size()) out += "...";
  out += '"';
  return out;
}

}  // namespace loopscope
