#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace loopscope {

/// Cuts a demangled C++ function down to its qualified name, in one pass over its text.
class CppNameShortener {
 public:
  explicit CppNameShortener(std::string_view demangled) : text_(demangled) {}

  /// Absent: its brackets do not match, or it is of a form not known.
  std::optional<std::string> run();

 private:
  bool step();
  bool at_component() const;
  bool take_operator();
  bool take_braces();
  bool take_parentheses();
  /// Moves past the bracket that closes the one at the current place.
  bool skip_balanced(char open, char close);
  bool skip_if(std::string_view token);

  std::string_view text_;
  std::size_t at_ = 0;
  bool done_ = false;
  std::string name_;
};

}  // namespace loopscope
