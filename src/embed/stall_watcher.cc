#include "embed/stall_watcher.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/guarded.h"

namespace loopscope {

StallWatcher& StallWatcher::instance() {
  // Never destroyed: a monitor with static storage may outlive any static object here.
  static auto* const watcher = new StallWatcher;
  return *watcher;
}

void StallWatcher::add(Watched& watched) {
  const std::lock_guard lifecycle(lifecycle_);
  {
    const std::lock_guard lock(mutex_);
    watched_.push_back(&watched);
    stopping_ = false;
  }
  if (thread_.joinable()) return changed_.notify_one();
  // Without a thread blocked loops are looked at when somebody asks, and by the next one's start.
  if (auto thread = start_thread("loopscope", [this] { run(); })) thread_ = std::move(*thread);
}

void StallWatcher::remove(Watched& watched) {
  const std::lock_guard lifecycle(lifecycle_);
  {
    const std::lock_guard lock(mutex_);  // a look is taken with the lock held
    std::erase(watched_, &watched);
    if (!watched_.empty() || !thread_.joinable()) return;
    stopping_ = true;
  }
  changed_.notify_one();
  thread_.join();
  thread_ = std::thread();
}

void StallWatcher::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    const auto now = std::chrono::steady_clock::now();
    Nanos next = std::chrono::seconds(1);
    for (Watched* watched : watched_) {
      run_guarded("loopscope", [&] { next = std::min(next, watched->look()); });
    }
    changed_.wait_until(lock, now + next);
  }
}

}  // namespace loopscope
