#pragma once

#include <uv.h>

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "core/loop_tracker.h"
#include "core/snapshot.h"
#include "core/stall_log.h"
#include "embed/loop_hooks.h"
#include "embed/phase_probe.h"
#include "embed/spsc_ring.h"
#include "embed/stall_watcher.h"

namespace loopscope {

struct LoopMonitorOptions;

/// Takes what the hooks on a loop report to a LoopTracker and answers readers. The loop
/// thread leaves its reports in lock-free places; whoever reads next, or the loop thread
/// itself when nobody holds the lock, feeds them to the tracker.
class LoopRecorder final : public SnapshotProvider, private TurnListener, private Watched {
 public:
  /// Makes what hears of the loop's stalls, from the log of this recorder; `labels` are the
  /// loop's.
  using ListenerFactory =
      std::function<std::unique_ptr<StallListener>(StallLog& log, const LoopLabels& labels)>;

  /// Without a factory the log alone hears of stalls. What the factory makes and uses must
  /// outlive detach().
  LoopRecorder(uv_loop_t* loop, const LoopMonitorOptions& options,
               const ListenerFactory& listener = nullptr);
  ~LoopRecorder() override;

  /// Loop thread.
  void detach();

  // Any thread.
  Snapshot snapshot() override;
  std::vector<StallRecord> stalls(std::size_t limit) override;
  Nanos blocked();
  Phase phase();

 private:
  /// Totals of the short turns up to some moment.
  struct ShortTotals {
    std::uint64_t turns = 0;
    std::array<std::uint64_t, kPhaseCount> phase_ns{};
    double squared_s2 = 0;
  };
  struct Report {
    LongTurn turn;
    ShortTotals before;
  };
  struct Activity {
    Nanos since{0};
    Phase phase = Phase::kPollWait;
  };

  void on_long_turn(const LongTurn& turn) override;
  void on_flush() override;
  Nanos look() override;

  // The lock is held.
  void refresh(Nanos now);
  bool drain();
  void feed(const LongTurn& turn);
  void feed_short(const ShortTotals& totals, std::uint64_t until_ns);
  Activity activity(std::uint64_t now_ns);
  Activity outline(std::uint64_t now_ns);
  void sight(PhaseSighting seen);
  std::optional<std::uint64_t> polled_until(std::uint64_t now_ns);
  Nanos timer_lateness(Nanos now, Phase phase) const;

  static ShortTotals totals_of(const TurnState& state);

  const SystemClock clock_;
  const LoopLabels labels_;
  const LoopInfo info_;
  const std::string executable_;
  StallLog stall_log_;
  std::unique_ptr<StallListener> stall_listener_;

  PublishedTurns turns_;
  PhaseProbe probe_;
  SpscRing<Report, 32> reports_;

  std::mutex mutex_;
  uv_loop_t* loop_;  ///< null once detached
  LoopTracker tracker_;
  TurnState state_;
  const Nanos look_interval_;  ///< while the loop is blocked
  std::uint64_t looked_turn_end_ns_ = 0;
  std::vector<PhaseSighting> sightings_;  ///< of the turn in progress, oldest first
  ShortTotals fed_;
  bool shown_busy_ = false;  ///< the tracker was told of the turn in progress
  std::optional<LoopHooks> hooks_;
};

}  // namespace loopscope
