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

void SampledLoop::lose_sight(Nanos now) {
  const std::lock_guard lock(mutex_);
  tracker_.on_gap(now);
}

LoopInfo SampledLoop::info() const {
  const std::lock_guard lock(mutex_);
  return source_->info();
}

LoopStatsSnapshot SampledLoop::stats(Nanos now) const {
  const std::lock_guard lock(mutex_);
  return final_ ? *final_ : stats_now(now);
}

LoopStatsSnapshot SampledLoop::finish(Nanos now) {
  const std::lock_guard lock(mutex_);
  if (!final_) final_ = stats_now(now);
  return *final_;
}

LoopStatsSnapshot SampledLoop::stats_now(Nanos now) const {
  LoopStatsSnapshot stats = tracker_.snapshot(now);
  if (stalls_) stats.culprits = stalls_->culprits();
  return stats;
}

std::string SampledLoop::failure() const {
  const std::lock_guard lock(mutex_);
  return failure_;
}

LoopSource::Standing SampledLoop::standing() const {
  const std::lock_guard lock(mutex_);
  return source_->standing();
}

std::string SampledLoop::doubt() const {
  const std::lock_guard lock(mutex_);
  return source_->doubt();
}

std::string SampledLoop::limitation() const {
  const std::lock_guard lock(mutex_);
  return source_->limitation();
}

std::unique_ptr<LoopSource> SampledLoop::release_source() {
  const std::lock_guard lock(mutex_);
  return std::move(source_);
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
