#include "target/own_stops.h"

#include <chrono>

namespace loopscope {
namespace {

/// Nobody asks about longer ago.
constexpr Nanos kRemembered = std::chrono::seconds(10);

Nanos monotonic_now() { return std::chrono::steady_clock::now().time_since_epoch(); }

}  // namespace

OwnStops& OwnStops::instance() {
  // Never destroyed: threads may ask until the very end.
  static auto* const stops = new OwnStops;
  return *stops;
}

OwnStops::Stop::Stop(int tid) : tid_(tid) {
  OwnStops& all = instance();
  const std::lock_guard lock(all.mutex_);
  if (all.threads_.size() >= kMaxThreads) {
    const Nanos old = monotonic_now() - kRemembered;
    std::erase_if(all.threads_, [old](const auto& entry) {
      return entry.second.stops == 0 && entry.second.last_ended < old;
    });
  }
  ++all.threads_[tid].stops;
}

OwnStops::Stop::~Stop() {
  OwnStops& all = instance();
  const std::lock_guard lock(all.mutex_);
  Thread& thread = all.threads_[tid_];
  --thread.stops;
  thread.last_ended = monotonic_now();
}

void OwnStops::Stop::lasted(Nanos time) const {
  OwnStops& all = instance();
  const std::lock_guard lock(all.mutex_);
  all.threads_[tid_].total += time;
}

bool OwnStops::any_since(int tid, Nanos since) const {
  const std::lock_guard lock(mutex_);
  const auto found = threads_.find(tid);
  return found != threads_.end() && (found->second.stops > 0 || found->second.last_ended >= since);
}

Nanos OwnStops::total(int tid) const {
  const std::lock_guard lock(mutex_);
  const auto found = threads_.find(tid);
  return found == threads_.end() ? Nanos(0) : found->second.total;
}

}  // namespace loopscope
