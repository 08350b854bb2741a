#include "backlog/backlog_monitor.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/guarded.h"

namespace loopscope {

BacklogMonitor::BacklogMonitor(const BacklogOptions& options, const Clock& clock)
    : sampler_(options, clock), interval_(options.interval) {}

BacklogMonitor::~BacklogMonitor() { stop(); }

void BacklogMonitor::set_targets(std::vector<BacklogTarget> targets) {
  {
    const std::lock_guard lock(state_mutex_);
    has_targets_ = !targets.empty();
    new_targets_ = std::move(targets);
  }
  wake_.notify_all();
}

void BacklogMonitor::set_interval(Nanos interval) {
  const std::lock_guard lock(state_mutex_);
  interval_ = interval;
}

bool BacklogMonitor::start() {
  const std::lock_guard lock(lifecycle_mutex_);
  if (thread_.joinable()) return true;
  {
    const std::lock_guard state_lock(state_mutex_);
    stopping_ = false;
  }
  auto thread = start_thread("backlog", [this] { run(); });
  const std::lock_guard state_lock(state_mutex_);
  start_problem_ = thread ? "" : thread.error().message;
  if (thread) thread_ = std::move(*thread);
  return thread.ok();
}

void BacklogMonitor::stop() {
  const std::lock_guard lock(lifecycle_mutex_);
  {
    const std::lock_guard state_lock(state_mutex_);
    stopping_ = true;
    start_problem_.clear();
  }
  if (!thread_.joinable()) return;
  wake_.notify_all();
  thread_.join();
}

void BacklogMonitor::run() {
  using SteadyClock = std::chrono::steady_clock;
  SteadyClock::time_point next = SteadyClock::now();
  while (true) {
    {
      std::unique_lock lock(state_mutex_);
      // Without targets one more pass is due when they have just been taken away.
      wake_.wait(lock, [&] { return stopping_ || has_targets_ || new_targets_.has_value(); });
      wake_.wait_until(lock, next, [&] { return stopping_ || new_targets_.has_value(); });
      if (stopping_) return;
    }
    run_guarded("backlog", [this] { sample(false); });
    const SteadyClock::time_point now = SteadyClock::now();
    if (now < next) continue;  // woken early by new targets
    const std::lock_guard lock(state_mutex_);
    next += interval_;
    if (next <= now) next = now + interval_;  // late by a whole turn: do not catch up
  }
}

void BacklogMonitor::sample_once() { sample(true); }

void BacklogMonitor::sample(bool force) {
  const std::lock_guard sampling_lock(sampling_mutex_);
  std::optional<std::vector<BacklogTarget>> targets;
  {
    const std::lock_guard lock(state_mutex_);
    targets = std::exchange(new_targets_, std::nullopt);
  }
  if (targets) sampler_.set_targets(std::move(*targets));
  BacklogReport report = sampler_.sample(force);
  const std::lock_guard lock(state_mutex_);
  last_ = std::move(report);
}

void BacklogMonitor::append_snapshot(Snapshot& out) const {
  const std::lock_guard lock(state_mutex_);
  out.listeners.insert(out.listeners.end(), last_.listeners.begin(), last_.listeners.end());
  out.namespaces.insert(out.namespaces.end(), last_.namespaces.begin(), last_.namespaces.end());
  if (!start_problem_.empty()) {
    out.sources.push_back(
        {.source = "backlog", .success = false, .reason = start_problem_, .duration = {}});
    return;
  }
  out.sources.insert(out.sources.end(), last_.sources.begin(), last_.sources.end());
}

std::vector<BacklogNote> BacklogMonitor::notes() const {
  const std::lock_guard lock(state_mutex_);
  return last_.notes;
}

}  // namespace loopscope
