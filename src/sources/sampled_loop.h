#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "core/loop_tracker.h"
#include "core/snapshot.h"
#include "core/stall_listener.h"
#include "sources/loop_source.h"
#include "sources/sampling_policy.h"

namespace loopscope {

/// One loop: the source that looks at it and the tracker that keeps its figures.
/// The sampling thread calls look(); everything else may be called from any thread.
class SampledLoop {
 public:
  /// `name`: value of the `loop` label. `stalls` (may be null) hears of its stalls.
  SampledLoop(std::string name, std::unique_ptr<LoopSource> source, SamplingPolicy policy,
              Nanos threshold, std::unique_ptr<StallListener> stalls);

  /// One look at `now`; returns when the next is due. After an error of the source the
  /// loop is failed() and not looked at until it gets a new source.
  Nanos look(Nanos now);
  /// Nothing is known of the time since the look before.
  void lose_sight(Nanos now);

  const std::string& name() const { return name_; }
  LoopInfo info() const;
  LoopStatsSnapshot stats(Nanos now) const;
  /// Its figures stay what they are now, and are what it came to.
  LoopStatsSnapshot finish(Nanos now);

  /// What loops of its name came to before it; null: none. Set before it is shown.
  void set_before(std::shared_ptr<const LoopStatsSnapshot> before) { before_ = std::move(before); }
  const std::shared_ptr<const LoopStatsSnapshot>& before() const { return before_; }

  bool failed() const { return failed_.load(std::memory_order_acquire); }
  std::string failure() const;
  LoopSource::Standing standing() const;
  /// Why it is not proven to be a loop, see LoopSource::doubt().
  std::string doubt() const;
  std::string limitation() const;
  /// Its source, for another SampledLoop; this one must not be looked at any more.
  std::unique_ptr<LoopSource> release_source();
  /// Another source for the same loop, after the first failed; the figures go on.
  void replace_source(std::unique_ptr<LoopSource> source);
  /// For the source it has now; see LoopSource::watch_gc().
  void watch_gc(std::optional<GcWord> word);
  void set_policy(SamplingPolicy policy, Nanos threshold);

 private:
  LoopStatsSnapshot stats_now(Nanos now) const;  ///< the lock is held

  const std::string name_;
  mutable std::mutex mutex_;
  std::unique_ptr<LoopSource> source_;
  SamplingPolicy policy_;
  std::unique_ptr<StallListener> stalls_;
  mutable LoopTracker tracker_;
  std::optional<LoopStatsSnapshot> final_;
  std::shared_ptr<const LoopStatsSnapshot> before_;
  std::atomic<bool> failed_{false};
  std::string failure_;
};

}  // namespace loopscope
