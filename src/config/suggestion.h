#pragma once

#include <span>
#include <string>
#include <string_view>

namespace loopscope {

/// "; did you mean X?" for the known word nearest to a mistyped one, or nothing when
/// none is near (more than a third of its letters off).
std::string did_you_mean(std::string_view word, std::span<const std::string_view> known);

}  // namespace loopscope
