#include "sources/sampled_loop.h"

namespace loopscope {

SampledLoop::SampledLoop(std::string name, std::unique_ptr<LoopSource> source,
                         SamplingPolicy policy, Nanos threshold,
                         std::unique_ptr<StallListener> stalls)
    : name_(std::move(name)),
      source_(std::move(source)),
      policy_(policy),
      stalls_(std::move(stalls)),
      tracker_({.stall_threshold = threshold}, stalls_.get()) {}

Nanos SampledLoop::look(Nanos now) {
  const std::lock_guard lock(mutex_);
  auto sample = source_->sample(now);
  if (!sample) {
    tracker_.on_gap(now);
    failure_ = sample.error().message;
    failed_.store(true, std::memory_order_release);
    return Nanos::max();
  }
  tracker_.on_sample(*sample);
  return now + policy_.next_interval(*sample);
}

LoopInfo SampledLoop::info() const {
  const std::lock_guard lock(mutex_);
  return source_->info();
}

LoopStatsSnapshot SampledLoop::stats(Nanos now) const {
  const std::lock_guard lock(mutex_);
  LoopStatsSnapshot stats = tracker_.snapshot(now);
  if (stalls_) stats.culprits = stalls_->culprits();
  return stats;
}

std::string SampledLoop::failure() const {
  const std::lock_guard lock(mutex_);
  return failure_;
}

void SampledLoop::replace_source(std::unique_ptr<LoopSource> source) {
  const std::lock_guard lock(mutex_);
  source_ = std::move(source);
  failure_.clear();
  failed_.store(false, std::memory_order_release);
}

void SampledLoop::watch_gc(std::optional<GcWord> word) {
  const std::lock_guard lock(mutex_);
  source_->watch_gc(word);
}

void SampledLoop::set_policy(SamplingPolicy policy, Nanos threshold) {
  const std::lock_guard lock(mutex_);
  policy_ = policy;
  tracker_.set_threshold(threshold);
}

}  // namespace loopscope
