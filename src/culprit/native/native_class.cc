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

std::string_view base_of(std::string_view path) { return path.substr(path.rfind('/') + 1); }

/// "python" of python3.12, "libnode" of libnode.so.108: up to the version.
std::string_view without_version(std::string_view base_name) {
  base_name = base_name.substr(0, base_name.find_first_of(".0123456789"));
  while (base_name.ends_with('-')) base_name.remove_suffix(1);
  return base_name;
}

/// "luaV_gettable", "luaH_get": a capital letter tells which part of Lua.
bool is_inside_lua(std::string_view function) {
  return function.size() > 5 && function.starts_with("lua") && function[3] >= 'A' &&
         function[3] <= 'Z' && function[4] == '_';
}

struct Engine {
  std::string_view image;
  std::string_view name;
};

constexpr Engine kEngines[] = {
    {"node", "Node"},
    {"nodejs", "Node"},
    {"libnode", "Node"},
    {"deno", "Deno"},
    {"bun", "Bun"},
    {"workerd", "workerd"},
    {"python", "Python"},
    {"libpython", "Python"},
    {"pypy", "PyPy"},
    {"libpypy", "PyPy"},
    {"java", "Java"},
    {"libjvm", "Java"},
    {"ruby", "Ruby"},
    {"libruby", "Ruby"},
    {"php", "PHP"},
    {"php-fpm", "PHP"},
    {"libphp", "PHP"},
    {"perl", "Perl"},
    {"libperl", "Perl"},
    {"libcoreclr", ".NET"},
    {"dotnet", ".NET"},
    {"libv8", "V8"},
    {"libmozjs", "SpiderMonkey"},
    {"libjavascriptcoregtk", "JavaScriptCore"},
    {"libluajit", "LuaJIT"},
};

}  // namespace

NativeRole role_of_image(std::string_view path) {
  static constexpr std::string_view kLibraries[] = {
      "libc",     "libm",    "libpthread", "librt",    "libdl",  "libuv",        "libstdc++",
      "libgcc_s", "libc++",  "libc++abi",  "ld",       "ld64",   "ld-linux-x86", "ld-musl",
      "[vdso]",   "libasan", "libtsan",    "libubsan", "liblsan"};
  const std::string_view base = base_of(path);
  if (std::any_of(std::begin(kLibraries), std::end(kLibraries),
                  [&](std::string_view library) { return is_library(base, library); })) {
    return NativeRole::kLibrary;
  }
  // uvloop is to Python's loops what libuv's callbacks' glue is to Node's.
  if (path.find("/uvloop/") != std::string_view::npos) return NativeRole::kLibrary;
  return engine_name(path).empty() ? NativeRole::kProgram : NativeRole::kEngine;
}

bool is_needed_name(std::string_view base_name, std::string_view needed) {
  if (needed.empty() || !base_name.starts_with(needed)) return false;
  base_name.remove_prefix(needed.size());
  return base_name.empty() || base_name.front() == '.';
}

NativeRole role_of_function(std::string_view function) {
  static constexpr std::string_view kInterpreters[] = {"Builtins_",    "v8::internal::Execution::",
                                                       "_PyEval_",     "PyEval_",
                                                       "llint_",       "vmEntryTo",
                                                       "luaV_execute", "luaD_call",
                                                       "lua_call",     "lua_pcall",
                                                       "lua_resume"};
  static constexpr std::string_view kEngines[] = {"v8::",      "cppgc::", "heap::base::", "napi_",
                                                  "node_api_", "Napi::",  "Nan::",        "_Py",
                                                  "PyObject_", "JSC::",   "WTF::",        "lua_"};
  static constexpr std::string_view kLibraries[] = {
      "uv_",          "uv__",         "std::",        "__gnu_cxx::",
      "__cxxabiv1::", "__cxa_",       "operator new", "operator delete",
      "__libc_start", "start_thread", "clone3"};
  if (function == "uv_run") return NativeRole::kLoop;
  if (function == "_start" || function == "clone" || function == "__clone") {
    return NativeRole::kLibrary;
  }
  if (starts_with_any(function, kInterpreters)) return NativeRole::kInterpreter;
  if (starts_with_any(function, kEngines) || is_inside_lua(function)) return NativeRole::kEngine;
  if (starts_with_any(function, kLibraries)) return NativeRole::kLibrary;
  return NativeRole::kProgram;
}

std::string_view engine_name(std::string_view path) {
  const std::string_view base = base_of(path);
  // An addon may have any name.
  if (base.ends_with(".node")) return {};
  // The modules that come with Python; others' stand in site-packages.
  if (path.find("/lib-dynload/") != std::string_view::npos) return "Python";
  const std::string_view stem = without_version(base);
  const auto* const found =
      std::find_if(std::begin(kEngines), std::end(kEngines),
                   [&](const Engine& engine) { return engine.image == stem; });
  return found == std::end(kEngines) ? std::string_view() : found->name;
}

}  // namespace loopscope
