#include "base/terminal_text.h"

#include <langinfo.h>
#include <locale.h>

#include <algorithm>
#include <array>
#include <cwchar>
#include <cwctype>

namespace loopscope {
namespace {

constexpr std::string_view kUtf8Replacement = "\xEF\xBF\xBD";  // U+FFFD
constexpr std::string_view kUtf8Ellipsis = "\xE2\x80\xA6";
constexpr int kMaxMarks = 2;
/// Longer text is cut before it is looked at, unless so many columns are asked for: a frame
/// must not take long for a name of megabytes that shows nothing.
constexpr std::size_t kMaxTextBytes = 4096;

std::size_t byte_limit(std::size_t columns) { return std::max(columns, kMaxTextBytes); }

struct CharacterRange {
  char32_t first;
  char32_t last;
};
/// Characters without a shape of their own that change how others are shown (direction,
/// joining, variants), and those whose width terminals disagree about (flags, skin tones).
constexpr std::array kDisallowed = {
    CharacterRange{0x00AD, 0x00AD},   CharacterRange{0x034F, 0x034F},
    CharacterRange{0x061C, 0x061C},   CharacterRange{0x115F, 0x1160},
    CharacterRange{0x180B, 0x180F},   CharacterRange{0x200B, 0x200F},
    CharacterRange{0x2028, 0x202E},   CharacterRange{0x2060, 0x206F},
    CharacterRange{0x3164, 0x3164},   CharacterRange{0xFE00, 0xFE0F},
    CharacterRange{0xFEFF, 0xFEFF},   CharacterRange{0xFFF9, 0xFFFB},
    CharacterRange{0x1F1E6, 0x1F1FF}, CharacterRange{0x1F3FB, 0x1F3FF},
    CharacterRange{0xE0000, 0xE0FFF},
};

/// Makes the C library's character functions work on UTF-8 in this thread, whatever the
/// locale of the process is, for as long as it lives.
class Utf8Scope {
 public:
  Utf8Scope() : before_(::uselocale(utf8())) {}
  ~Utf8Scope() { ::uselocale(before_); }
  Utf8Scope(const Utf8Scope&) = delete;
  Utf8Scope& operator=(const Utf8Scope&) = delete;

  static bool available() { return utf8() != nullptr; }

 private:
  static locale_t utf8() {
    static const locale_t locale = ::newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
    return locale;
  }
  locale_t before_;
};

struct Character {
  std::size_t bytes = 1;
  int width = -1;  ///< in columns; -1: not to be shown
};

bool is_allowed(wchar_t character) {
  const auto value = static_cast<char32_t>(character);
  if (value < 0x20 || (value >= 0x7F && value < 0xA0)) return false;
  return std::none_of(kDisallowed.begin(), kDisallowed.end(), [value](CharacterRange range) {
    return value >= range.first && value <= range.last;
  });
}

/// The first character of `text`, which is not empty. Within a Utf8Scope.
Character first_character(std::string_view text) {
  const char byte = text.front();
  if (byte >= 0x20 && byte < 0x7F) return {.bytes = 1, .width = 1};
  wchar_t wide = 0;
  std::mbstate_t state{};
  // NOLINTNEXTLINE(concurrency-mt-unsafe): it is, with a state of the caller's
  const std::size_t length = std::mbrtowc(&wide, text.data(), text.size(), &state);
  if (length == 0 || length > text.size()) return {};  // NUL, no UTF-8, cut off
  return {.bytes = length, .width = is_allowed(wide) ? ::wcwidth(wide) : -1};
}

std::string_view bounded(std::string_view text, std::size_t limit) {
  if (text.size() <= limit) return text;
  std::size_t end = limit;
  // Not through the middle of a character of up to four bytes.
  while (end > limit - 3 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end);
}

struct Fitted {
  std::string text;
  std::size_t columns = 0;
};

Fitted fit_utf8(std::string_view text, std::size_t columns) {
  const Utf8Scope scope;
  Fitted out;
  // The longest beginning of it that leaves room for the ellipsis.
  std::size_t cut_bytes = 0;
  std::size_t cut_columns = 0;
  int marks = kMaxMarks;  // none without a character to stand on
  bool whole = text.size() <= byte_limit(columns);
  std::string_view rest = bounded(text, byte_limit(columns));
  while (!rest.empty()) {
    const Character next = first_character(rest);
    const std::string_view bytes = next.width >= 0 ? rest.substr(0, next.bytes) : kUtf8Replacement;
    rest.remove_prefix(next.bytes);
    if (next.width == 0 && ++marks > kMaxMarks) continue;
    const std::size_t width = next.width >= 0 ? static_cast<std::size_t>(next.width) : 1;
    if (width > 0) marks = 0;
    if (out.columns + width > columns) {
      whole = false;
      break;
    }
    out.text += bytes;
    out.columns += width;
    if (out.columns < columns) {
      cut_bytes = out.text.size();
      cut_columns = out.columns;
    }
  }
  if (whole || columns == 0) return out;
  out.text.resize(cut_bytes);
  out.text += kUtf8Ellipsis;
  out.columns = cut_columns + 1;
  return out;
}

/// The same for a terminal that knows ASCII alone.
Fitted fit_ascii(std::string_view text, std::size_t columns) {
  const Utf8Scope scope;
  Fitted out;
  std::string_view rest = bounded(text, byte_limit(columns));
  while (!rest.empty() && out.columns <= columns) {
    const Character next = Utf8Scope::available() ? first_character(rest) : Character{};
    const bool plain = rest.front() >= 0x20 && rest.front() < 0x7F;
    if (plain || next.width != 0) {
      out.text += plain ? rest.front() : '?';
      ++out.columns;
    }
    rest.remove_prefix(next.bytes);
  }
  if (out.columns > columns || (text.size() > byte_limit(columns) && out.columns < columns)) {
    out.text.resize(std::min(out.columns, columns > 0 ? columns - 1 : 0));
    if (columns > 0) out.text += '~';
    out.columns = out.text.size();
  }
  return out;
}

Fitted fit(std::string_view text, std::size_t columns, Charset charset) {
  const bool utf8 = charset == Charset::kUtf8 && Utf8Scope::available();
  return utf8 ? fit_utf8(text, columns) : fit_ascii(text, columns);
}

}  // namespace

Charset charset_of_environment() {
  const locale_t locale = ::newlocale(LC_CTYPE_MASK, "", nullptr);
  if (locale == nullptr) return Charset::kAscii;
  const bool utf8 = std::string_view(::nl_langinfo_l(CODESET, locale)) == "UTF-8";
  ::freelocale(locale);
  return utf8 ? Charset::kUtf8 : Charset::kAscii;
}

std::string fit_text(std::string_view text, std::size_t columns, Charset charset) {
  return fit(text, columns, charset).text;
}

std::string fit_column(std::string_view text, std::size_t columns, Charset charset, Align align) {
  Fitted fitted = fit(text, columns, charset);
  const std::string fill(columns - std::min(columns, fitted.columns), ' ');
  return align == Align::kLeft ? fitted.text + fill : fill + fitted.text;
}

std::size_t text_width(std::string_view fitted, Charset charset) {
  return fit(fitted, kMaxTextBytes, charset).columns;
}

}  // namespace loopscope
