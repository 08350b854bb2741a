#include "culprit/native/cpp_name_shortener.h"

#include <algorithm>
#include <iterator>

namespace loopscope {
namespace {

constexpr std::string_view kAnonymous = "(anonymous namespace)::";
constexpr std::string_view kOperator = "operator";

/// Length of the operator's symbol that `text` begins with; 0: none.
std::size_t symbol_length(std::string_view text) {
  static constexpr std::string_view kSymbols[] = {
      "<=>", "<<=", ">>=", "->*", "<<", ">>", "<=", ">=", "==", "!=", "&&", "||", "++",
      "--",  "+=",  "-=",  "*=",  "/=", "%=", "^=", "&=", "|=", "->", "()", "[]", ",",
      "+",   "-",   "*",   "/",   "%",  "^",  "&",  "|",  "~",  "!",  "=",  "<",  ">"};
  // Longer ones come first.
  const auto* const found =
      std::find_if(std::begin(kSymbols), std::end(kSymbols),
                   [&](std::string_view symbol) { return text.starts_with(symbol); });
  return found != std::end(kSymbols) ? found->size() : 0;
}

bool is_identifier(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '$';
}

}  // namespace

std::optional<std::string> CppNameShortener::run() {
  while (at_ < text_.size() && !done_) {
    if (!step()) return std::nullopt;
  }
  // A lambda is its one operator.
  for (const std::string_view tail : {"::operator()", "::_FUN"}) {
    if (name_.ends_with("{lambda}" + std::string(tail))) {
      name_.resize(name_.size() - tail.size());
    }
  }
  if (name_.empty()) return std::nullopt;
  return name_;
}

bool CppNameShortener::step() {
  const char c = text_[at_];
  if (skip_if(kAnonymous)) return true;
  if (at_component() && text_.substr(at_).starts_with(kOperator)) {
    const std::size_t after = at_ + kOperator.size();
    if (after >= text_.size() || !is_identifier(text_[after])) return take_operator();
  }
  switch (c) {
    case '<':
      return skip_balanced('<', '>');
    case '(':
      return take_parentheses();
    case '{':
      return take_braces();
    case '[':
      // [abi:cxx11], or [clone .part.0] at the end
      return skip_balanced('[', ']');
    case ' ':
      // What stood before was a return type or "non-virtual thunk to".
      name_.clear();
      ++at_;
      return true;
    default:
      name_ += c;
      ++at_;
      return true;
  }
}

bool CppNameShortener::at_component() const {
  return at_ == 0 || text_[at_ - 1] == ' ' || text_[at_ - 1] == ':';
}

bool CppNameShortener::skip_if(std::string_view token) {
  if (!text_.substr(at_).starts_with(token)) return false;
  at_ += token.size();
  return true;
}

bool CppNameShortener::take_operator() {
  name_ += kOperator;
  at_ += kOperator.size();
  if (const std::size_t length = symbol_length(text_.substr(at_)); length > 0) {
    name_ += text_.substr(at_, length);
    at_ += length;
    // "operator< <int>(...)": the blank ends no return type.
    if (text_.substr(at_).starts_with(" <")) ++at_;
    return true;
  }
  // "operator new[](...)", "operator std::string() const": up to the parameters.
  while (at_ < text_.size() && text_[at_] != '(') {
    if (text_[at_] == '<') {
      if (!skip_balanced('<', '>')) return false;
    } else {
      name_ += text_[at_++];
    }
  }
  return true;
}

bool CppNameShortener::take_braces() {
  const std::size_t begin = at_;
  if (!skip_balanced('{', '}')) return false;
  const std::string_view inside = text_.substr(begin + 1, at_ - begin - 2);
  // {lambda(int)#1}, {unnamed type#2}, {default arg#1}
  name_ += '{';
  name_ += inside.substr(0, std::min(inside.find('('), inside.find('#')));
  name_ += '}';
  return true;
}

bool CppNameShortener::take_parentheses() {
  const bool is_type = name_.ends_with("decltype") || (name_.empty() && at_ > 0);
  if (!skip_balanced('(', ')')) return false;
  if (is_type) {
    // "decltype ((x).y) f<...>(...)"; but not "void (*f(int))(char)".
    if (!name_.empty() || text_.substr(0, at_).find("decltype") != text_.npos) return true;
    return false;
  }
  for (bool again = true; again;) {
    again = skip_if(" const") || skip_if(" volatile") || skip_if(" &&") || skip_if(" &") ||
            skip_if(" noexcept");
  }
  // A function inside this one, or the end.
  if (!text_.substr(at_).starts_with("::")) done_ = true;
  return true;
}

bool CppNameShortener::skip_balanced(char open, char close) {
  std::size_t depth = 0;
  std::size_t parentheses = 0;
  for (; at_ < text_.size(); ++at_) {
    if (open == '<' && text_.substr(at_).starts_with(kOperator)) {
      at_ += kOperator.size();
      at_ += symbol_length(text_.substr(at_));
      if (at_ >= text_.size()) break;
    }
    const char c = text_[at_];
    // Inside template arguments, > in parentheses compares and -> points.
    if (open == '<' && c == '(') ++parentheses;
    if (open == '<' && c == ')' && parentheses > 0) --parentheses;
    if (parentheses > 0 || (c == '>' && at_ > 0 && text_[at_ - 1] == '-')) continue;
    if (c == open) ++depth;
    if (c == close && --depth == 0) {
      ++at_;
      return true;
    }
  }
  return false;
}

}  // namespace loopscope
