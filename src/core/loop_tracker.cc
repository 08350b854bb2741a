#include "core/loop_tracker.h"

namespace loopscope {

LoopTracker::LoopTracker(Options options, StallListener* listener)
    : stalls_(stats_, options.stall_threshold, listener),
      source_(std::in_place_type<SampledTracker>, stats_, stalls_) {
  if (options.exact) source_.emplace<ExactTracker>(stats_, stalls_);
}

void LoopTracker::on_sample(const LoopSample& sample) {
  if (auto* sampled = std::get_if<SampledTracker>(&source_)) sampled->on_sample(sample);
}

void LoopTracker::on_iteration(const LoopIteration& iteration) {
  if (auto* exact = std::get_if<ExactTracker>(&source_)) exact->on_iteration(iteration);
}

void LoopTracker::on_short_iterations(const ShortIterations& turns) {
  if (auto* exact = std::get_if<ExactTracker>(&source_)) exact->on_short_iterations(turns);
}

void LoopTracker::on_busy(Nanos since, Phase phase) {
  if (auto* exact = std::get_if<ExactTracker>(&source_)) exact->on_busy(since, phase);
}

void LoopTracker::on_gap(Nanos at) {
  std::visit([&](auto& source) { source.on_gap(at); }, source_);
}

void LoopTracker::show_progress(Nanos now) {
  if (auto* exact = std::get_if<ExactTracker>(&source_)) exact->show_open_time(now);
}

LoopStatsSnapshot LoopTracker::snapshot(Nanos now) {
  LoopStatsSnapshot result;
  if (auto* sampled = std::get_if<SampledTracker>(&source_)) {
    sampled->show_open_time();
    result = stats_.snapshot(now, sampled->busy_for(now));
    if (!sampled->lag_is_known(now)) {
      // A stall that was seen stays one.
      if (result.lag_max_1m < stalls_.threshold()) result.lag_max_1m.reset();
      result.lag_1m.reset();
    }
    result.current_phase = sampled->current_phase();
    result.timer_lateness = sampled->timer_lateness();
  } else if (auto* exact = std::get_if<ExactTracker>(&source_)) {
    exact->show_open_time(now);
    result = stats_.snapshot(now, exact->busy_for(now));
    result.current_phase = exact->current_phase();
  }
  result.stall_threshold = stalls_.threshold();
  return result;
}

std::optional<Nanos> LoopTracker::busy_for(Nanos now) const {
  return std::visit([&](const auto& source) { return std::optional<Nanos>(source.busy_for(now)); },
                    source_);
}

}  // namespace loopscope
