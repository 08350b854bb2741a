#pragma once

#include <atomic>
#include <chrono>

namespace loopscope::server {

/// How the calling thread spends the time it blocks for.
enum class BlockMode { kSpin, kSleep };

inline constexpr std::chrono::milliseconds kMaxBlock{60'000};

/// Keeps the calling thread for `time`: computing, or asleep in a system call. Ends early
/// once `*cancelled` (if given) is true.
void block_thread(std::chrono::nanoseconds time, BlockMode mode,
                  const std::atomic<bool>* cancelled = nullptr);

}  // namespace loopscope::server
