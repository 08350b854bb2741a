#include "culprit/native/native_class.h"

#include <algorithm>
#include <iterator>

namespace loopscope {
namespace {

template <typename List>
bool starts_with_any(std::string_view text, const List& list) {
  return std::any_of(std::begin(list), std::end(list),
                     [&](std::string_view item) { return text.starts_with(item); });
}

/// "libc" names libc.so.6, libc-2.31.so, libc.musl-x86_64.so.1, but not libcrypto.so.3.
bool is_library(std::string_view base_name, std::string_view library) {
  if (!base_name.starts_with(library)) return false;
  base_name.remove_prefix(library.size());
  return base_name.empty() || base_name.front() == '.' || base_name.front() == '-';
}

}  // namespace

bool is_runtime_image(std::string_view base_name) {
  static constexpr std::string_view kLibraries[] = {
      "libc",     "libm",    "libpthread", "librt",    "libdl",  "libuv",        "libstdc++",
      "libgcc_s", "libc++",  "libc++abi",  "ld",       "ld64",   "ld-linux-x86", "ld-musl",
      "[vdso]",   "libasan", "libtsan",    "libubsan", "liblsan"};
  return std::any_of(std::begin(kLibraries), std::end(kLibraries),
                     [&](std::string_view library) { return is_library(base_name, library); });
}

bool is_runtime_function(std::string_view function) {
  static constexpr std::string_view kPrefixes[] = {"uv_",          "uv__",           "std::",
                                                   "__gnu_cxx::",  "__cxxabiv1::",   "__cxa_",
                                                   "operator new", "operator delete"};
  return starts_with_any(function, kPrefixes);
}

}  // namespace loopscope
