#include "export/label_text.h"

#include <algorithm>
#include <cstdint>

#include "base/kept_end.h"
#include "base/series_labels.h"

namespace loopscope {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

std::uint8_t byte_at(std::string_view text, std::size_t index) {
  return static_cast<std::uint8_t>(text[index]);
}

// Length of the well-formed UTF-8 sequence at `at` (Unicode 15, table 3-7); 0: none.
std::size_t sequence_length(std::string_view text, std::size_t at) {
  const std::uint8_t lead = byte_at(text, at);
  if (lead < 0x80) return 1;
  std::size_t length = 0;
  std::uint8_t low = 0x80;
  std::uint8_t high = 0xBF;
  if (lead >= 0xC2 && lead <= 0xDF) {
    length = 2;
  } else if (lead >= 0xE0 && lead <= 0xEF) {
    length = 3;
    if (lead == 0xE0) low = 0xA0;
    if (lead == 0xED) high = 0x9F;
  } else if (lead >= 0xF0 && lead <= 0xF4) {
    length = 4;
    if (lead == 0xF0) low = 0x90;
    if (lead == 0xF4) high = 0x8F;
  } else {
    return 0;
  }
  if (text.size() - at < length) return 0;
  if (byte_at(text, at + 1) < low || byte_at(text, at + 1) > high) return 0;
  for (std::size_t i = 2; i < length; ++i) {
    if ((byte_at(text, at + i) & 0xC0) != 0x80) return 0;
  }
  return length;
}

// NUL ends Prometheus' lexer, and terminals obey escape sequences.
bool is_control(char c) {
  return (static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t') || c == 0x7F;
}

bool is_plain(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7F; });
}

}  // namespace

std::string label_value(std::string_view text) {
  if (text.size() <= kMaxLabelBytes && is_plain(text)) return std::string(text);
  // No more than is kept has to be looked at; a replacement is no shorter than what it replaces.
  if (text.size() > 2 * kMaxLabelBytes) text.remove_prefix(text.size() - 2 * kMaxLabelBytes);
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = sequence_length(text, at);
    const bool good = length > 0 && !is_control(text[at]);
    out += good ? text.substr(at, length) : kReplacement;
    at += std::max<std::size_t>(length, 1);
  }
  return kept_end(out, kMaxLabelBytes);
}

bool is_free_label_name(std::string_view name) {
  const auto is_letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  };
  if (name.empty() || name.starts_with("__") || !is_letter(name.front())) return false;
  for (const char c : name) {
    if (!is_letter(c) && (c < '0' || c > '9')) return false;
  }
  return !is_series_label(name);
}

}  // namespace loopscope
