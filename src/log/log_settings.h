#pragma once

#include <cstdint>

namespace loopscope {

enum class LogFormat : std::uint8_t { kText, kJson };
enum class LogLevel : std::uint8_t { kDebug, kInfo, kWarn, kError };

}  // namespace loopscope
