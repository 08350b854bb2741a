#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace loopscope {

/// A POSIX extended regular expression that names processes. Unanchored: "node" is
/// found anywhere, "^node$" is the whole text. Cheap to copy; matching is thread-safe
/// and its cost is bounded, whatever the pattern and the subject.
class NamePattern {
 public:
  static constexpr std::size_t kMaxPatternBytes = 256;
  /// Longer subjects are cut to this before they are matched.
  static constexpr std::size_t kMaxSubjectBytes = 4096;
  /// How often repetitions ("+", "{1,20}") may make libc copy a part of the pattern.
  static constexpr unsigned kMaxCopies = 128;

  /// Errors: empty or too long, control characters, not a regular expression (with
  /// libc's reason), back-references, nested repetitions beyond the bound.
  static Result<NamePattern> compile(std::string_view pattern);

  bool matches(std::string_view subject) const;
  const std::string& text() const { return text_; }

  friend bool operator==(const NamePattern& a, const NamePattern& b) { return a.text_ == b.text_; }

 private:
  struct Compiled;
  NamePattern(std::string text, std::shared_ptr<const Compiled> compiled);

  std::string text_;
  std::shared_ptr<const Compiled> compiled_;
};

}  // namespace loopscope
