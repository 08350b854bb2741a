#pragma once

#include <string_view>

namespace loopscope {

/// What the kernel puts behind the path of a file that has been deleted.
inline constexpr std::string_view kDeletedMark = " (deleted)";

}  // namespace loopscope
