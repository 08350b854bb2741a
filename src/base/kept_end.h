#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace loopscope {

/// `text`, or of a longer one an ellipsis and its end: at most `limit` bytes. Of a path the end
/// says most; it is cut at a slash where that costs no more than half of what would fit. UTF-8
/// stays whole.
std::string kept_end(std::string_view text, std::size_t limit);

}  // namespace loopscope
