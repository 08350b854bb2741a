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

/// Looks at the stacks of stalled loops while they are stalled, from threads of its own (one per
/// loop, kMaxThreads at most: a look is mostly waiting), so that sampling never waits for it and
/// of many loops that are stalled at once each gets its name in time, and tells the StallLog whom
/// to blame: at the threshold and then at doubling times (CaptureSchedule), a few samples each.
/// What was sampled counts only if a later look of the sampler met the loop in the same busy
/// period.
class StackCapturer {
 public:
  static constexpr std::size_t kMaxThreads = 8;

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

  /// False: the system has no thread left; no stacks are looked at then.
  bool start();
  /// Stalls that are being looked into get what is known of them.
  void stop();
  /// Applies to stalls that begin from now on.
  void set_options(Options options);

  /// What the tracker of one loop reports to: passes it on to the log, has the stalls
  /// captured, and keeps account of who is to blame for how much time.
  std::unique_ptr<StallListener> listener(const CaptureTarget& target);

  StackCaptureSnapshot snapshot() const;
  /// Of the processes whose scripts' functions cannot be named: why.
  std::map<ProcessId, std::string> problems() const;

 private:
  class LoopListener;
  /// A process and which program of those it has executed.
  using Program = std::pair<ProcessId, std::uint64_t>;

  /// A loop, and whether one of the threads works on it just now.
  struct Entry {
    std::shared_ptr<CapturedLoop> loop;
    bool is_taken = false;
  };

  void run();
  void take_turns();
  std::shared_ptr<CapturedLoop> wait_for_work(std::unique_lock<std::mutex>& lock);
  std::shared_ptr<CapturedLoop> take_due(Nanos& next);
  void put_back(const std::shared_ptr<CapturedLoop>& loop);
  bool add_thread();
  void work_on(CapturedLoop& loop);
  void remember_problem(const CapturedLoop& loop);
  bool is_enabled() const;
  std::shared_ptr<ProcessStacks> stacks_of(const CaptureTarget& target);

  const Clock& clock_;
  StallLog& log_;
  const GcWordSink gc_words_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;      ///< for the thread that watches
  std::condition_variable not_watched_;  ///< for those that wait to be it
  bool is_watched_ = false;              ///< one thread waits for what is due next
  Options options_;
  bool started_ = false;
  bool stopping_ = false;
  bool woken_ = false;
  std::vector<Entry> loops_;
  std::map<Program, std::weak_ptr<ProcessStacks>> processes_;
  std::map<Program, std::string> problems_;
  CaptureCounters counters_;
  std::vector<std::thread> threads_;
};

}  // namespace loopscope
