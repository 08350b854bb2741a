#include "culprit/same_lines.h"

#include <algorithm>
#include <cstdint>

namespace loopscope {
namespace {

constexpr char16_t kByteOrderMark = 0xfeff;
constexpr char16_t kReplacement = 0xfffd;

bool is_line_end(char16_t unit) {
  return unit == u'\n' || unit == u'\r' || unit == 0x2028 || unit == 0x2029;
}

bool is_blank(char16_t unit) { return is_line_end(unit) || unit == u' ' || unit == u'\t'; }

bool is_blank(std::u16string_view text) {
  return std::all_of(text.begin(), text.end(), [](char16_t unit) { return is_blank(unit); });
}

/// Takes one code point off the front of `utf8`; kReplacement for a byte that begins none.
std::uint32_t take_code_point(std::string_view& utf8) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(utf8[i]); };
  const unsigned char first = byte(0);
  std::size_t length = 1;
  std::uint32_t value = first;
  std::uint32_t least = 0;
  if (first >= 0xf0 && first < 0xf8) {
    length = 4, value = first & 0x07U, least = 0x10000;
  } else if (first >= 0xe0) {
    length = 3, value = first & 0x0fU, least = 0x800;
  } else if (first >= 0xc0) {
    length = 2, value = first & 0x1fU, least = 0x80;
  } else if (first >= 0x80) {
    length = 0;
  }
  bool good = length > 0 && length <= utf8.size() && first < 0xf8;
  for (std::size_t i = 1; good && i < length; ++i) {
    good = (byte(i) & 0xc0U) == 0x80;
    value = value << 6 | (byte(i) & 0x3fU);
  }
  good = good && value >= least && value <= 0x10ffff && (value < 0xd800 || value > 0xdfff);
  utf8.remove_prefix(good ? length : 1);
  return good ? value : std::uint32_t{kReplacement};
}

/// Only blank lines, comments and the end of CommonJS's wrapper.
bool is_appendix(std::u16string_view rest, bool is_wrapped) {
  if (is_wrapped && rest.ends_with(u"});")) rest.remove_suffix(3);
  while (!rest.empty()) {
    const auto end = std::find_if(rest.begin(), rest.end(), is_line_end);
    const std::u16string_view line(rest.data(), static_cast<std::size_t>(end - rest.begin()));
    if (!is_blank(line) && !line.starts_with(u"//")) return false;
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
  }
  return true;
}

/// Length of CommonJS's wrapper in front of the file's beginning; 0: none.
std::size_t wrapper_length(std::u16string_view text, std::u16string_view file) {
  constexpr std::size_t kLongestWrapper = 256;
  constexpr std::size_t kBeginning = 64;
  if (!text.starts_with(u"(function ")) return 0;
  const std::size_t at =
      text.substr(0, kLongestWrapper + kBeginning).find(file.substr(0, kBeginning));
  if (at == std::u16string_view::npos) return 0;
  const std::u16string_view wrapper = text.substr(0, at);
  return std::any_of(wrapper.begin(), wrapper.end(), is_line_end) ? 0 : at;
}

bool has_same_line_ends(std::u16string_view text, std::u16string_view file) {
  return std::equal(text.begin(), text.end(), file.begin(), [](char16_t a, char16_t b) {
    return a == b || (!is_line_end(a) && !is_line_end(b));
  });
}

}  // namespace

std::u16string utf16_of(std::string_view utf8) {
  std::u16string out;
  out.reserve(utf8.size());
  while (!utf8.empty()) {
    const std::uint32_t point = take_code_point(utf8);
    if (point < 0x10000) {
      out += static_cast<char16_t>(point);
    } else {
      out += static_cast<char16_t>(0xd800 + ((point - 0x10000) >> 10));
      out += static_cast<char16_t>(0xdc00 + ((point - 0x10000) & 0x3ff));
    }
  }
  return out;
}

bool has_same_lines(std::u16string_view text, std::u16string_view file, bool is_cut) {
  // Some loaders take it off, some leave it to V8.
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(1);
  if (file.starts_with(kByteOrderMark)) file.remove_prefix(1);
  const std::size_t wrapper = wrapper_length(text, file);
  text.remove_prefix(wrapper);
  const std::size_t common = std::min(text.size(), file.size());
  if (!has_same_line_ends(text.substr(0, common), file.substr(0, common))) return false;
  if (is_cut) return true;
  return is_blank(file.substr(common)) && is_appendix(text.substr(common), wrapper > 0);
}

}  // namespace loopscope
