#pragma once

#include <string>
#include <string_view>

namespace loopscope {

/// Foreign text made fit for a message: in double quotes, control characters, quotes
/// and backslashes escaped, cut after 64 bytes.
std::string quoted_text(std::string_view text);

}  // namespace loopscope
