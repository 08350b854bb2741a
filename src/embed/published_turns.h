#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <thread>

#include "loopscope/phase.h"

namespace loopscope {

/// Where in its turn the loop thread was when it last passed a hook.
enum class LoopPosition : std::uint8_t {
  kOutside,    ///< has not turned yet, or about to leave uv_run for want of work
  kPolling,    ///< after the prepare callbacks: waits, or runs I/O callbacks
  kChecking,   ///< in check callbacks
  kTurning,    ///< after the check callbacks: closing, timers, pending or idle
  kPreparing,  ///< in prepare callbacks
};

/// What may run between the check and the prepare callbacks, judged when it begins.
struct TurnEvidence {
  bool closing = false;  ///< handles wait for their close callback
  bool pending = false;  ///< the pending queue is not empty
  bool idle = false;     ///< there are idle handles
  std::uint64_t earliest_timer_ms = UINT64_MAX;
};

/// Totals of the short turns (shorter than kShortTurnNs) and the position of the turn in
/// progress. Totals only grow.
struct TurnState {
  std::uint64_t short_turns = 0;
  std::array<std::uint64_t, kPhaseCount> short_phase_ns{};
  double short_squared_s2 = 0;  ///< sum of squared busy times, in seconds squared
  std::uint64_t last_turn_end_ns = 0;
  LoopPosition position = LoopPosition::kOutside;
  std::uint64_t mark_ns = 0;        ///< when the position was entered
  std::uint64_t turn_begin_ns = 0;  ///< return of the last poll wait; not valid in kPolling
  std::uint64_t idle_seen_ns = 0;   ///< uv_metrics_idle_time() at the last check
  TurnEvidence evidence;            ///< valid in kTurning
  std::uint64_t earliest_timer_ms = UINT64_MAX;  ///< as of the last prepare
};

/// Hands TurnState from the loop thread to readers without ever making the loop thread
/// wait: a sequence lock. One writer, any number of readers.
class PublishedTurns {
 public:
  /// Loop thread: every change goes between begin() and end().
  void begin() { sequence_.store(++writing_, std::memory_order_relaxed); }
  void end() { sequence_.store(++writing_, std::memory_order_release); }

  // Fields are stored with release and read with acquire order, so a reader that sees one
  // new value also sees the odd sequence number written before it (no fences needed).
  template <typename T>
  class Field {
   public:
    void set(T value) { value_.store(value, std::memory_order_release); }
    /// Writer's own view.
    T mine() const { return value_.load(std::memory_order_relaxed); }
    void add(T value) { set(mine() + value); }
    T get() const { return value_.load(std::memory_order_acquire); }

   private:
    std::atomic<T> value_{};
  };

  Field<std::uint64_t> short_turns;
  std::array<Field<std::uint64_t>, kPhaseCount> short_phase_ns;
  Field<double> short_squared_s2;
  Field<std::uint64_t> last_turn_end_ns, mark_ns, turn_begin_ns, idle_seen_ns;
  Field<LoopPosition> position;
  Field<std::uint8_t> evidence_bits;
  Field<std::uint64_t> evidence_timer_ms, earliest_timer_ms;

  /// A consistent copy. Returns false if the loop thread sat in the middle of a change for
  /// all attempts (it was preempted there); `out` is then unchanged.
  bool read(TurnState& out) const {
    for (int attempt = 0; attempt < 1000; ++attempt) {
      const std::uint64_t before = sequence_.load(std::memory_order_acquire);
      if (before % 2 == 0) {
        const TurnState copy = copy_fields();
        if (sequence_.load(std::memory_order_relaxed) == before) {
          out = copy;
          return true;
        }
      }
      if (attempt > 10) std::this_thread::yield();
    }
    return false;
  }

  /// The writer's own copy.
  TurnState mine() const { return copy_fields(); }

  static std::uint8_t pack(const TurnEvidence& evidence) {
    return static_cast<std::uint8_t>((evidence.closing ? 1 : 0) | (evidence.pending ? 2 : 0) |
                                     (evidence.idle ? 4 : 0));
  }

 private:
  TurnState copy_fields() const {
    TurnState copy;
    copy.short_turns = short_turns.get();
    for (std::size_t i = 0; i < kPhaseCount; ++i) copy.short_phase_ns[i] = short_phase_ns[i].get();
    copy.short_squared_s2 = short_squared_s2.get();
    copy.last_turn_end_ns = last_turn_end_ns.get();
    copy.position = position.get();
    copy.mark_ns = mark_ns.get();
    copy.turn_begin_ns = turn_begin_ns.get();
    copy.idle_seen_ns = idle_seen_ns.get();
    const std::uint8_t bits = evidence_bits.get();
    copy.evidence = {(bits & 1) != 0, (bits & 2) != 0, (bits & 4) != 0, evidence_timer_ms.get()};
    copy.earliest_timer_ms = earliest_timer_ms.get();
    return copy;
  }

  std::uint64_t writing_ = 0;
  std::atomic<std::uint64_t> sequence_{0};
};

}  // namespace loopscope
