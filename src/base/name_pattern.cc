#include "base/name_pattern.h"

#include <regex.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <utility>

#include "base/ascii.h"
#include "base/quoted_text.h"

namespace loopscope {
namespace {

std::string reason(int code, const regex_t& regex) {
  std::array<char, 256> buffer{};
  regerror(code, &regex, buffer.data(), buffer.size());
  return buffer.data();
}

/// The largest count of an interval ("{2,5}" after its brace); capped far above the bound.
unsigned largest_count(std::string_view after_brace) {
  constexpr unsigned kEnough = 10'000;
  unsigned largest = 1;
  unsigned current = 0;
  for (char c : after_brace) {
    if (is_digit(c)) {
      current = std::min(kEnough, current * 10 + static_cast<unsigned>(c - '0'));
      largest = std::max(largest, current);
    } else if (c == ',') {
      current = 0;
    } else {
      break;
    }
  }
  return largest;
}

/// What makes libc's matcher take exponential time (back-references) or memory: it copies
/// the operand of '+' and of each count, so nested repetitions multiply. Repetitions of a
/// group or of another repetition are taken as nested; brackets are not told apart, which
/// can only overestimate.
std::optional<std::string> costly_construct(std::string_view pattern) {
  unsigned nested = 1;
  unsigned single = 1;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const char before = i > 0 ? pattern[i - 1] : '\0';
    if (before == '\\' && is_digit(pattern[i])) return "back-references are not supported";
    if (pattern[i] != '+' && pattern[i] != '{') continue;
    const unsigned copies = pattern[i] == '+' ? 2 : largest_count(pattern.substr(i + 1)) + 1;
    if (std::string_view(")+*?}").find(before) != std::string_view::npos) {
      nested *= copies;
    } else {
      single = std::max(single, copies);
    }
    if (nested * single > NamePattern::kMaxCopies) {
      return "its nested repetitions multiply too far";
    }
  }
  return std::nullopt;
}

}  // namespace

struct NamePattern::Compiled {
  regex_t regex{};
  bool valid = false;

  Compiled() = default;
  Compiled(const Compiled&) = delete;
  Compiled& operator=(const Compiled&) = delete;
  ~Compiled() {
    if (valid) regfree(&regex);
  }
};

NamePattern::NamePattern(std::string text, std::shared_ptr<const Compiled> compiled)
    : text_(std::move(text)), compiled_(std::move(compiled)) {}

Result<NamePattern> NamePattern::compile(std::string_view pattern) {
  const auto bad = [&](const std::string& why) {
    return Error{quoted_text(pattern) + " is not a usable pattern: " + why};
  };
  if (pattern.empty()) return bad("it is empty and would match everything");
  if (pattern.size() > kMaxPatternBytes) {
    return bad("it is longer than " + std::to_string(kMaxPatternBytes) + " bytes");
  }
  if (std::any_of(pattern.begin(), pattern.end(),
                  [](char c) { return static_cast<unsigned char>(c) < 0x20; })) {
    return bad("it contains control characters");
  }
  if (const auto why = costly_construct(pattern)) return bad(*why);

  std::string text(pattern);
  auto compiled = std::make_shared<Compiled>();
  const int code = regcomp(&compiled->regex, text.c_str(), REG_EXTENDED | REG_NOSUB);
  if (code != 0) return bad(reason(code, compiled->regex));
  compiled->valid = true;
  return NamePattern(std::move(text), std::move(compiled));
}

bool NamePattern::matches(std::string_view subject) const {
  // regexec needs a terminated string; a NUL inside the subject ends it, as in a comm.
  const std::string bounded(subject.substr(0, kMaxSubjectBytes));
  return regexec(&compiled_->regex, bounded.c_str(), 0, nullptr, 0) == 0;
}

}  // namespace loopscope
