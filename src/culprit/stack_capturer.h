#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "core/loop_sample.h"
#include "core/snapshot.h"
#include "core/stall_log.h"
#include "culprit/captured_loop.h"
#include "culprit/stack_taker.h"
#include "target/process_id.h"

namespace loopscope {

/// Looks at the stacks of stalled loops while they are stalled, from a thread of its own, so
/// that sampling never waits for it, and tells the StallLog whom to blame: at the threshold
/// and then at doubling times (CaptureSchedule), a few samples each. What was sampled counts
/// only if a later look of the sampler met the loop in the same busy period.
class StackCapturer {
 public:
  struct Options {
    bool enabled = true;
    CaptureWays ways;

    friend bool operator==(const Options&, const Options&) = default;
  };
  /// Told where to see that the garbage collector of a loop's thread runs, maybe repeatedly.
  using GcWordSink = std::function<void(const ProcessId&, int tid, const V8StateWord&)>;

  /// `clock` and `log` must outlive this; so must the loops' listeners be gone before.
  StackCapturer(const Clock& clock, StallLog& log, Options options, GcWordSink gc_words = nullptr);
  ~StackCapturer();
  StackCapturer(const StackCapturer&) = delete;
  StackCapturer& operator=(const StackCapturer&) = delete;

  void start();
  /// Stalls that are being looked into get what is known of them.
  void stop();
  /// Applies to stalls that begin from now on.
  void set_options(Options options);

  /// What the tracker of one loop reports to: passes it on to the log, has the stalls
  /// captured, and keeps account of who is to blame for how much time.
  std::unique_ptr<StallListener> listener(const CaptureTarget& target);

  StackCaptureSnapshot snapshot() const;

 private:
  class LoopListener;

  void run();
  void work_on(CapturedLoop& loop);
  bool is_enabled() const;
  std::shared_ptr<ProcessStacks> stacks_of(const CaptureTarget& target);

  const Clock& clock_;
  StallLog& log_;
  const GcWordSink gc_words_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  Options options_;
  bool stopping_ = false;
  bool woken_ = false;
  std::vector<std::shared_ptr<CapturedLoop>> loops_;
  std::map<ProcessId, std::weak_ptr<ProcessStacks>> processes_;
  CaptureCounters counters_;
  std::thread thread_;
};

}  // namespace loopscope
