#pragma once

#include <string_view>

namespace loopscope {

/// Whether an image, by its base name, is the C or C++ runtime, libuv, the dynamic loader or a
/// sanitizer (which puts functions of its own before libc's): what stands in it is never the
/// program's own function.
bool is_runtime_image(std::string_view base_name);

/// The same for a function of an image that has them linked in (readable_symbol()): libuv, and
/// the standard library, templates of it compiled into the program among them.
bool is_runtime_function(std::string_view function);

}  // namespace loopscope
