#include "culprit/native/symbol_name.h"

#include <cxxabi.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <memory>
#include <optional>

#include "culprit/native/cpp_name_shortener.h"

namespace loopscope {
namespace {

/// The demangler's recursion and its time grow with the input; the longest function symbol of
/// Node 22 has 716 bytes.
constexpr std::size_t kMaxMangled = 1024;
/// Each back reference can double what stands before it: 24 of them made 109 MB of text out of
/// 150 bytes, in 0.55 s; 16 make 0.4 MB in 2 ms (measured).
constexpr std::size_t kMaxReferences = 16;
constexpr std::string_view kCut = "...";
constexpr std::size_t kRustHash = 19;  // "::h" and 16 hexadecimal digits

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Length of a source name ("3foo") at the front of `text`, number included; 0: none.
std::size_t source_name_length(std::string_view text) {
  std::size_t digits = 0;
  std::size_t length = 0;
  while (digits < text.size() && digits < 5 && is_digit(text[digits])) {
    length = length * 10 + static_cast<std::size_t>(text[digits] - '0');
    ++digits;
  }
  return digits == 0 ? 0 : std::min(digits + length, text.size());
}

/// Substitutions (S_, S0_...) and template parameters (T_, T0_...), counted without the
/// grammar: an S or T inside another code counts too, a source name's does not.
std::size_t count_references(std::string_view mangled) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < mangled.size();) {
    if (const std::size_t length = source_name_length(mangled.substr(i)); length > 0) {
      i += length;
      continue;
    }
    const bool can_be = mangled[i++] == 'S' || mangled[i - 1] == 'T';
    if (!can_be) continue;
    std::size_t end = i;
    while (end < mangled.size() && (is_digit(mangled[end]) || std::isupper(mangled[end]) != 0)) {
      ++end;
    }
    if (end < mangled.size() && mangled[end] == '_') {
      ++count;
      i = end + 1;
    }
  }
  return count;
}

std::optional<std::string> demangle(const std::string& mangled) {
  if (mangled.size() > kMaxMangled || count_references(mangled) > kMaxReferences) {
    return std::nullopt;
  }
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> text(
      abi::__cxa_demangle(mangled.c_str(), nullptr, nullptr, &status), &std::free);
  if (status != 0 || text == nullptr) return std::nullopt;
  return std::string(text.get());
}

/// Most references stand in the parameters, which are not wanted: tries the name alone, that
/// is up to one of its E's, with void for a return type and a parameter.
std::optional<std::string> demangle_name_alone(std::string_view mangled) {
  constexpr std::size_t kMaxTries = 64;
  if (!mangled.starts_with("_ZN")) return std::nullopt;
  std::size_t tries = 0;
  for (std::size_t i = 3; i < mangled.size() && i < kMaxMangled && tries < kMaxTries;) {
    if (const std::size_t length = source_name_length(mangled.substr(i)); length > 0) {
      i += length;
      continue;
    }
    if (mangled[i++] != 'E') continue;
    ++tries;
    if (auto name = demangle(std::string(mangled.substr(0, i)) + "vv")) return name;
  }
  return std::nullopt;
}

bool has_rust_hash(std::string_view name) {
  if (name.size() <= kRustHash) return false;
  const std::string_view hash = name.substr(name.size() - kRustHash);
  return hash.starts_with("::h") && hash.find_first_not_of("0123456789abcdef", 3) == hash.npos;
}

/// rustc writes what is no identifier as $LT$, $u20$..., and :: inside one path as two dots.
std::string decode_rust(std::string_view name) {
  struct Code {
    std::string_view code;
    std::string_view text;
  };
  static constexpr Code kCodes[] = {{"$LT$", "<"},  {"$GT$", ">"},  {"$RF$", "&"},  {"$BP$", "*"},
                                    {"$LP$", "("},  {"$RP$", ")"},  {"$C$", ","},   {"$SP$", "@"},
                                    {"$u20$", " "}, {"$u27$", "'"}, {"$u5b$", "["}, {"$u5d$", "]"},
                                    {"$u7b$", "{"}, {"$u7d$", "}"}, {"$u7e$", "~"}, {"..", "::"}};
  name.remove_suffix(kRustHash);
  std::string text;
  while (!name.empty()) {
    if (name.starts_with("_$") && (text.empty() || text.ends_with("::"))) name.remove_prefix(1);
    const auto* const code = std::find_if(std::begin(kCodes), std::end(kCodes),
                                          [&](const Code& c) { return name.starts_with(c.code); });
    if (code != std::end(kCodes)) {
      text += code->text;
      name.remove_prefix(code->code.size());
    } else {
      text += name.front();
      name.remove_prefix(1);
    }
  }
  return text;
}

/// Copies the compiler made of one function: name.cold, .part.0, .isra.0, .constprop.0...
/// Rust has dots inside its source names.
std::string_view without_clone_suffix(std::string_view symbol) {
  if (!symbol.starts_with("_Z")) return symbol.substr(0, symbol.find('.', 1));
  for (std::size_t i = 2; i < symbol.size();) {
    if (symbol[i] == '.') return symbol.substr(0, i);
    i += std::max<std::size_t>(source_name_length(symbol.substr(i)), 1);
  }
  return symbol;
}

std::string bounded(std::string name) {
  std::replace_if(
      name.begin(), name.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  if (name.size() <= kMaxFunctionName) return name;
  return std::string(kCut) + name.substr(name.size() - (kMaxFunctionName - kCut.size()));
}

}  // namespace

std::string shorten_cpp_name(std::string_view demangled) {
  // Half a name would be a wrong one.
  return CppNameShortener(demangled).run().value_or(std::string(demangled));
}

std::string readable_symbol(std::string_view symbol) {
  // Symbol versions: memcpy@@GLIBC_2.14.
  symbol = symbol.substr(0, symbol.find('@'));
  const std::string_view mangled = without_clone_suffix(symbol);
  if (!mangled.starts_with("_Z")) return bounded(std::string(mangled));
  auto name = demangle(std::string(mangled));
  if (!name) name = demangle_name_alone(mangled);
  if (!name) {
    // Its beginning tells the namespaces at least.
    const std::string_view kept = mangled.substr(0, kMaxFunctionName - kCut.size());
    return bounded(std::string(kept) + std::string(kept == mangled ? "" : kCut));
  }
  if (has_rust_hash(*name)) return bounded(decode_rust(*name));
  return bounded(shorten_cpp_name(*name));
}

}  // namespace loopscope
