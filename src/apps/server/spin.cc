#include "apps/server/spin.h"

#include <time.h>

#include <cerrno>

namespace loopscope::server {

void block_thread(std::chrono::nanoseconds time, BlockMode mode,
                  const std::atomic<bool>* cancelled) {
  if (mode == BlockMode::kSleep) {
    timespec left{static_cast<time_t>(time.count() / 1'000'000'000),
                  static_cast<long>(time.count() % 1'000'000'000)};
    while (clock_nanosleep(CLOCK_MONOTONIC, 0, &left, &left) == EINTR) {
    }
    return;
  }
  const auto until = std::chrono::steady_clock::now() + time;
  while (std::chrono::steady_clock::now() < until) {
    if (cancelled != nullptr && cancelled->load(std::memory_order_relaxed)) return;
  }
}

}  // namespace loopscope::server
