#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "core/culprit_ledger.h"
#include "core/snapshot.h"
#include "core/stall_listener.h"
#include "core/stall_log.h"
#include "culprit/capture_schedule.h"
#include "culprit/process_stacks.h"
#include "culprit/stack_takers.h"
#include "culprit/stall_evidence.h"
#include "culprit/starvation.h"
#include "target/process_id.h"

namespace loopscope {

/// The loop whose stalls are to be explained.
struct CaptureTarget {
  LoopLabels labels;
  ProcessId process;
  int tid = 0;
  std::string runtime_version;  ///< as RuntimeInfo has it; empty: not known
};

/// The stalls of one loop as the capturer works on them. The sampling thread reports what
/// it sees and never waits; the capture thread asks when something is due and does it.
class CapturedLoop {
 public:
  /// `log` and `clock` must outlive this. `wake` is called, with no lock held, when something
  /// has become due earlier than due() said.
  CapturedLoop(CaptureTarget target, std::shared_ptr<ProcessStacks> stacks,
               std::unique_ptr<StackTakers> takers, StallLog& log, const Clock& clock,
               std::function<void()> wake);

  const CaptureTarget& target() const { return target_; }

  // The sampling thread.
  void stall_started(std::uint64_t id, const StallEvent& stall);
  void stall_goes_on(std::uint64_t id, const StallEvent& stall);
  void stall_ended(std::uint64_t id, const StallEvent& stall);
  /// The loop is watched no more; a stall in progress ends here.
  void leave();

  // Any thread.
  std::vector<CulpritTotals> culprits() const { return ledger_.totals(); }
  /// Which ways of taking stacks may be used from now on.
  void set_ways(const CaptureWays& ways);
  /// Nothing is left to do and leave() was called.
  bool is_finished() const;

  // The capture thread.
  Nanos due() const;
  void work();
  /// Tells the log what is known and forgets the stalls in progress.
  void give_up();
  /// Where to see that the collector runs; changes when the program does.
  std::optional<V8StateWord> state_word();

 private:
  struct Stall {
    std::uint64_t id = 0;
    Nanos start{0};
    Nanos confirmed_until{0};  ///< the last look that met it in progress
    Nanos starved{0};          ///< as of that look
    std::optional<StallEvent> end;
  };
  static constexpr std::size_t kMaxStalls = 16;

  /// What the capture thread knows of the front stall.
  struct Inquiry {
    Inquiry(const Stall& stall, int pid)
        : schedule(stall.start), evidence(stall.start), starvation(pid) {}
    CaptureSchedule schedule;
    StallEvidence evidence;
    StarvationReader starvation;
  };

  std::optional<Stall> front() const;
  void capture(const Stall& stall);
  std::vector<StackSample> take_samples();
  /// Waits until a look has met the stall in progress after `at`, or it has ended; returns
  /// until when it is known to have lasted.
  Nanos confirm(std::uint64_t id, Nanos at);
  void finish(const Stall& stall);
  void tell_log(const Stall& stall, Nanos now);
  void prepare();

  const CaptureTarget target_;
  StallLog& log_;
  const Clock& clock_;
  const std::function<void()> wake_;

  mutable std::mutex mutex_;  ///< guards what follows
  std::condition_variable seen_;
  std::deque<Stall> stalls_;  ///< oldest first; all but the last have ended
  bool left_ = false;
  Nanos capture_due_{0};  ///< of the front stall
  Nanos prepare_due_{0};
  std::optional<CaptureWays> new_ways_;

  CulpritLedger ledger_;  ///< locks by itself

  // The capture thread's own.
  const std::shared_ptr<ProcessStacks> stacks_;
  const std::unique_ptr<StackTakers> takers_;
  V8Thread v8_thread_;
  std::optional<Inquiry> inquiry_;
  int preparations_ = 0;
};

}  // namespace loopscope
