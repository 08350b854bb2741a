#pragma once

#include <string>

namespace loopscope {

/// What follows the last slash of a path; all of it where there is none.
inline std::string base_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

}  // namespace loopscope
