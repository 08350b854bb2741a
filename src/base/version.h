#pragma once

namespace loopscope {
inline constexpr char kVersion[] = "0.1.0";
}
