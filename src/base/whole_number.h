#pragma once

#include <string_view>

#include "base/result.h"

namespace loopscope {

/// A whole decimal number in [min, max]; `what` ("port") and the bounds go into the error.
Result<long> parse_whole_number(std::string_view text, std::string_view what, long min, long max);

}  // namespace loopscope
