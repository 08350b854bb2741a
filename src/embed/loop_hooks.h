#pragma once

#include <uv.h>

#include <cstdint>

#include "embed/phase_probe.h"
#include "embed/published_turns.h"
#include "embed/thread_times.h"
#include "embed/turn_phases.h"

namespace loopscope {

/// Turns shorter than this are only summed up. No more than the first bucket bound of the
/// lag and iteration histograms, so that sums lose nothing there.
inline constexpr std::uint64_t kShortTurnNs = 1'000'000;

/// One finished turn that was not short, by its exact edges (monotonic nanoseconds).
struct LongTurn {
  std::uint64_t begin_ns = 0;      ///< return of the poll wait; I/O callbacks and pending from here
  std::uint64_t check_ns = 0;      ///< first check callback
  std::uint64_t turning_ns = 0;    ///< after the last; closing, timers, pending, idle from here
  std::uint64_t preparing_ns = 0;  ///< first prepare callback
  std::uint64_t end_ns = 0;        ///< after the last: the loop polls
  TurnEvidence evidence;           ///< as of turning_ns
  std::uint64_t loop_time_ms = 0;  ///< libuv's clock as the timers saw it
  ThreadTimes used;                ///< what the thread got from the scheduler
};

/// Told by LoopHooks on the loop thread, inside a prepare or check callback.
class TurnListener {
 public:
  virtual ~TurnListener() = default;
  virtual void on_long_turn(const LongTurn& turn) = 0;
  /// After a long turn, and about once a second while the loop turns.
  virtual void on_flush() = 0;
};

/// The handles on a loop and what they do: take the time at the edges of the phases.
/// libuv runs prepare (and check) handles newest first, so the oldest of two brackets the
/// rest from behind and the newest from the front; the latter is started anew whenever the
/// program has started one in front of it.
class LoopHooks {
 public:
  /// Loop thread. Switches the loop's UV_METRICS_IDLE_TIME on (it cannot be switched off).
  LoopHooks(uv_loop_t* loop, PublishedTurns& turns, PhaseProbe& probe, TurnListener& listener);
  /// Loop thread, before uv_loop_close().
  ~LoopHooks();
  LoopHooks(const LoopHooks&) = delete;
  LoopHooks& operator=(const LoopHooks&) = delete;

 private:
  void on_first_check();
  void on_last_check();
  void on_first_prepare();
  void on_last_prepare();
  void leave_checks(std::uint64_t now_ns);
  void finish_turn(std::uint64_t now_ns, LoopPosition next);
  void enter_poll(std::uint64_t now_ns, LoopPosition position);
  void enter(LoopPosition position, std::uint64_t at_ns);
  void add_short(Phase phase, std::uint64_t time_ns);
  std::uint64_t poll_return(std::uint64_t now_ns);
  bool about_to_leave() const;
  void start_first_check();
  void start_first_prepare();

  uv_loop_t* loop_;
  PublishedTurns& turns_;
  PhaseProbe& probe_;
  TurnListener& listener_;
  uv_prepare_t first_prepare_{}, last_prepare_{};
  uv_check_t first_check_{}, last_check_{};

  // The turn in progress; the loop thread's own copies.
  LoopPosition position_ = LoopPosition::kOutside;
  std::uint64_t mark_ns_ = 0;
  std::uint64_t idle_seen_ns_ = 0;
  LongTurn turn_;
  std::uint64_t next_flush_ns_ = 0;
  ThreadTimesMeter times_;
};

}  // namespace loopscope
