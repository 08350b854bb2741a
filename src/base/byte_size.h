#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace loopscope {

/// A number of bytes as people write it: a whole number directly followed by its unit,
/// which is required: KiB, MiB or GiB ("10MiB"). Errors: no unit, unknown unit, too large.
Result<std::uint64_t> parse_byte_size(std::string_view text);

/// `bytes` in the largest unit that divides it: "10MiB"; in "bytes" if none does.
std::string format_byte_size(std::uint64_t bytes);

}  // namespace loopscope
