#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace loopscope {

/// Where an event loop's time goes: libuv's phases in the order one turn runs them,
/// with the wait (kPollWait) and the I/O callbacks after it (kPoll) told apart.
enum class Phase : std::uint8_t {
  kTimers,
  kPending,
  kIdlePrepare,
  kPollWait,
  kPoll,
  kCheck,
  kClosing,
  kUnknown,
};
inline constexpr std::size_t kPhaseCount = 8;
inline constexpr std::array<std::string_view, kPhaseCount> kPhaseNames = {
    "timers", "pending", "idle_prepare", "poll_wait", "poll", "check", "closing", "unknown"};

constexpr std::string_view to_string(Phase phase) {
  return kPhaseNames[static_cast<std::size_t>(phase)];
}

/// Why a loop was blocked.
enum class Cause : std::uint8_t {
  kCpu,      ///< running
  kGc,       ///< running the garbage collector
  kBlocked,  ///< asleep in a synchronous system call
  kStarved,  ///< runnable, but without a CPU (run queue, CPU quota)
  kStopped,  ///< SIGSTOP or a frozen cgroup
  kUnknown,
};
inline constexpr std::size_t kCauseCount = 6;
inline constexpr std::array<std::string_view, kCauseCount> kCauseNames = {
    "cpu", "gc", "blocked", "starved", "stopped", "unknown"};

constexpr std::string_view to_string(Cause cause) {
  return kCauseNames[static_cast<std::size_t>(cause)];
}

}  // namespace loopscope
