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
  /// Labels as of now, where they may change; empty: `labels` hold.
  std::function<LoopLabels()> current_labels = {};
  ProcessId process;
  int tid = 0;
  std::string runtime_version;  ///< as RuntimeInfo has it; empty: not known
  /// Tells programs apart that the process runs one after the other (exec).
  std::uint64_t program = 0;
};

/// The stalls of one loop as the capturer works on them. The sampling thread reports what
/// it sees and never waits; a capture thread, one at a time, asks when something is due and does
/// it.
class CapturedLoop {
 public:
  /// `log` and `clock` must outlive this. `wake` is called, with no lock held, when something
  /// has become due earlier than due() said.
  CapturedLoop(CaptureTarget target, std::shared_ptr<ProcessStacks> stacks,
               std::unique_ptr<StackTakers> takers, StallLog& log, const Clock& clock,
               std::function<void()> wake);

  const CaptureTarget& target() const { return target_; }

  // The sampling thread.
  /// The busy period in progress may become a stall: its stack is looked at. What that shows is
  /// the stall's if stall_started() comes next, else thrown away.
  void stall_looms();
  void stall_averted();
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
  /// Work on it has failed: its stalls go without what is not known yet. Does not throw.
  void forget();
  /// Where to see that the collector runs; changes when the program does.
  std::optional<V8StateWord> state_word();
  /// Why no script's function can be named; see ProcessStacks::problem().
  std::string stacks_problem() const { return stacks_->problem(); }

 private:
  struct Stall {
    std::uint64_t id = 0;
    Nanos start{0};
    Nanos confirmed_until{0};   ///< the last look that met it in progress
    Nanos starved{0};           ///< as of that look
    std::uint64_t warning = 0;  ///< number of the warning of it; 0: there was none
    std::optional<StallEvent> end;
  };
  static constexpr std::size_t kMaxStalls = 16;

  /// Samples with their names, in order of time.
  struct Look {
    std::vector<Nanos> times;
    std::vector<ResolvedStack> stacks;
  };
  /// What the capture thread knows of the front stall.
  struct Inquiry {
    Inquiry(const Stall& stall, int pid)
        : schedule(stall.start), evidence(stall.start), starvation(pid) {}
    CaptureSchedule schedule;
    StallEvidence evidence;
    StarvationReader starvation;
  };

  std::optional<Stall> front() const;
  std::optional<std::uint64_t> due_warning() const;
  void look_early(std::uint64_t warning);
  /// What was seen before this stall was one.
  Look take_early(const Stall& stall);
  /// `early`: it may be in vain.
  Look look_now(bool early);
  /// Takes what is confirmed of a look at the front stall for evidence.
  void add(const Stall& stall, Look look);
  std::vector<StackSample> take_samples(bool early);
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
  std::deque<Stall> stalls_;    ///< oldest first; all but the last have ended
  std::uint64_t warnings_ = 0;  ///< so far
  bool looms_ = false;          ///< the last of them still holds
  bool warning_due_ = false;    ///< it was not looked into yet
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
  Look early_;                       ///< of this warning:
  std::uint64_t early_warning_ = 0;  ///< 0: none
  int preparations_ = 0;
};

}  // namespace loopscope
