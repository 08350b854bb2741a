#pragma once

#include <memory>
#include <string>

#include "sources/gc_times.h"
#include "sources/loop_source.h"
#include "sources/uv_stack/uv_process.h"
#include "sources/uv_stack/uv_thread_stack.h"
#include "sources/uv_stack/uv_timers.h"
#include "sources/uv_stack/uv_turn_evidence.h"
#include "target/memory_map.h"
#include "target/process_id.h"
#include "target/stop_detector.h"
#include "target/thread_counters.h"

namespace loopscope {

/// Samples one libuv loop by its phase words: one process_vm_readv and one read of the
/// thread's schedstat a look, no stop, no probe. Needs ptrace access to the target.
///
/// A program may leave uv_run between turns and work outside: while its loop is alive and the
/// thread does not wait for something else there, it is busy, in phase unknown. If uv_run goes
/// on elsewhere in the stack, its place is looked for again.
class UvStackSource final : public LoopSource {
 public:
  /// Finds the loop that thread `tid` runs. Error: it runs none (now), or the stack or
  /// the counters cannot be read.
  static Result<std::unique_ptr<UvStackSource>> attach(std::shared_ptr<const UvProcess> process,
                                                       int pid, int tid, const MemoryMap& map,
                                                       LoopInfo info);

  UvStackSource(std::shared_ptr<const UvProcess> process, UvLoopLocation location,
                ThreadCounters counters, LoopInfo info, StackExtent stack = {});

  Result<LoopSample> sample(Nanos now) override;
  const LoopInfo& info() const override { return info_; }
  /// Read along with the phase words while the loop is busy. An address that turns out not
  /// to be readable is given up; the loop is not.
  void watch_gc(std::optional<GcWord> word) override;

  /// True for a loop of Node (18-26) that runs no JavaScript: V8's DelayedTaskScheduler, the
  /// inspector's, the nested one of a synchronous child. A loop of JavaScript has a check
  /// handle (for setImmediate), among its first ones. False while it cannot be known.
  bool is_internal() const;

 private:
  struct Words {
    std::uint64_t run = 0;
    std::uint64_t io = 0;
    std::uint64_t loop_count = 0;
    std::uint64_t poll_base = 0;
    std::uint64_t loop_time = 0;
    std::optional<std::uint32_t> gc;  ///< read if it has a value beforehand
    GcTimeWords gc_times;             ///< read with `gc`, where their place is known
  };
  bool read_words(Words& words) const;
  bool read_with_gc(Words& words);
  void retry_find_loop(Nanos now);
  /// What the thread does while the words say that it is not in uv_run where it was.
  enum class Outside : std::uint8_t { kWorks, kWaitsInOwnPoll, kUnknown };
  Outside look_outside(Nanos now);
  void find_place_again(Nanos now);
  void look_closer(LoopSample& sample);
  void follow_timers(LoopSample& sample, bool look);

  std::shared_ptr<const UvProcess> process_;
  UvLoopLocation location_;
  ThreadCounters counters_;
  LoopInfo info_;
  UvTurnEvidence evidence_;
  std::optional<GcWord> gc_word_;
  StackExtent stack_;
  std::uint64_t lost_turns_ =
      0;  ///< added to the turn number: never claim a busy period over a gap
  int lost_in_a_row_ = 0;
  bool is_alive_ = false;  ///< as of the last look outside uv_run
  Nanos next_alive_look_{0};
  Nanos next_find_{0};
  UvTimers timers_;
  Nanos in_timers_since_{0};  ///< 0: in no timers phase
  Nanos next_closer_look_{0};
  StopDetector stop_;
  LoopSample last_;
};

}  // namespace loopscope
