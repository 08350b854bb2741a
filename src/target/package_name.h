#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace loopscope {

/// The string under `name` of the outermost object of a JSON text, as package.json has it; at
/// most 214 bytes, as npm allows, without control characters. Absent: there is none, or the text
/// is broken before it.
std::optional<std::string> package_name_in(std::string_view json);

/// The name of the nearest package above the file or folder `path` (absolute): that of the
/// nearest package.json that has one. A file in node_modules belongs to the package that has
/// node_modules. `read` gives a file's text, or nothing. Absent: no package.json above has a name.
std::optional<std::string> nearest_package_name(
    const std::string& path,
    const std::function<std::optional<std::string>(const std::string& file)>& read);

}  // namespace loopscope
