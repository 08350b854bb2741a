#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace loopscope {

/// `data` as one gzip member, packed for speed.
Result<std::string> gzip(std::string_view data);

}  // namespace loopscope
