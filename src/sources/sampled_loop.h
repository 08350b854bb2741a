#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>

#include "core/loop_tracker.h"
#include "core/snapshot.h"
#include "sources/loop_source.h"
#include "sources/sampling_policy.h"

namespace loopscope {

/// One loop with the source that looks at it and the tracker that keeps its figures.
/// The sampling thread calls look(); snapshot() may be called from any thread.
class SampledLoop {
 public:
  SampledLoop(LoopLabels labels, std::unique_ptr<LoopSource> source, SamplingPolicy policy,
              std::unique_ptr<LoopTracker> tracker);

  /// One look at `now`; returns when the next is due. After an error of the source the
  /// loop is failed() and no longer looked at.
  Nanos look(Nanos now);
  LoopSnapshot snapshot(Nanos now) const;

  bool failed() const { return failed_.load(std::memory_order_acquire); }
  std::string failure() const;
  const LoopLabels& labels() const { return labels_; }

  /// Puts a new source in place of a failed one; figures go on.
  void replace_source(std::unique_ptr<LoopSource> source, SamplingPolicy policy);
  void set_policy(SamplingPolicy policy, Nanos threshold);

 private:
  const LoopLabels labels_;
  mutable std::mutex mutex_;
  std::unique_ptr<LoopSource> source_;
  SamplingPolicy policy_;
  std::unique_ptr<LoopTracker> tracker_;
  std::atomic<bool> failed_{false};
  std::string failure_;
};

}  // namespace loopscope
