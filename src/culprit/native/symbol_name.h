#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace loopscope {

inline constexpr std::size_t kMaxFunctionName = 160;  ///< bytes

/// A linker symbol as people call the function: C++ and Rust (legacy) demangled, without
/// arguments, return type, template arguments, anonymous namespaces, lambda numbers and the
/// suffixes of compiler-made copies ("v8::internal::JsonParser::ParseJsonArray"). Symbols are
/// hostile: what the demangler cannot be trusted with stays as it is. At most
/// kMaxFunctionName bytes, the beginning replaced by "..." if need be; printable ASCII.
std::string readable_symbol(std::string_view symbol);

/// The second half of it, for a demangled C++ name.
std::string shorten_cpp_name(std::string_view demangled);

}  // namespace loopscope
