#pragma once

namespace loopscope {

// The codes that `loopscope` exits with.
inline constexpr int kOk = 0;
inline constexpr int kRuntimeFailure = 1;
inline constexpr int kUsageError = 2;  ///< a bad command line or configuration

}  // namespace loopscope
