#pragma once

#include <cstdint>
#include <string_view>

namespace loopscope {

/// What a native function is to the question who blocks a loop.
enum class NativeRole : std::uint8_t {
  kProgram,      ///< the program's own, or of a library it chose
  kLibrary,      ///< the C or C++ runtime, libuv, the dynamic loader, what a library calls for it
  kLoop,         ///< uv_run: what stands outside of it has only started the loop
  kEngine,       ///< inside a script engine or Node: its interfaces, its collector
  kInterpreter,  ///< runs a script: what stands outside of it has only called the engine
};

/// The role of all functions of an image, by its path in the target: the C or C++ runtime,
/// libuv, the dynamic loader, a sanitizer (which puts functions of its own before libc's), the
/// image of a script engine known by its name. kProgram: nothing is known.
NativeRole role_of_image(std::string_view path);

/// Whether a library of this base name ("libuv.so.1.0.0") is the one an image asks for
/// ("libuv.so.1").
bool is_needed_name(std::string_view base_name, std::string_view needed);

/// The role of a function by its name (readable_symbol()), for images that have a runtime
/// linked in: libuv, the standard library, V8, Node, Python, Lua. kProgram: nothing is known.
NativeRole role_of_function(std::string_view function);

/// The engine an image is of, for people ("Python"), by its path; empty: none that is known.
std::string_view engine_name(std::string_view path);

}  // namespace loopscope
