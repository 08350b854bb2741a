#pragma once

#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <vector>

#include "core/top_culprits.h"

namespace loopscope {

/// Whom the time of one loop's stalls goes to. The thread that feeds the loop's
/// tracker tells how long a stall has lasted, a capturing thread whom it saw in it; a stall
/// goes by the id of its record.
///
/// Time is credited as it passes, to the function seen last in this stall; what passed
/// before the first sighting, to the first function seen. A stall in which nobody is seen
/// credits nothing. While a stall lasts, its last kUnsettled is not credited yet: its length
/// may be corrected by about that when it ends, and credit cannot be taken back.
/// Thread-safe.
class CulpritLedger {
 public:
  static constexpr Nanos kUnsettled = std::chrono::milliseconds(10);
  /// A capture may finish after its stall has ended: the last few that ended without a name
  /// are remembered for their first sighting.
  static constexpr std::size_t kRemembered = 8;

  /// The stall has lasted for `so_far`; the first call for an id starts it (and ends the
  /// one before, if nobody did).
  void on_progress(std::uint64_t stall, Nanos so_far);
  void on_end(std::uint64_t stall, Nanos duration);
  /// A capture of this stall names `culprit`. Ignored for a stall that is not known here.
  void seen(std::uint64_t stall, const CulpritKey& culprit);

  /// Includes stalls in progress; never goes down (see TopCulprits).
  std::vector<CulpritTotals> totals() const;

 private:
  struct Stall {
    std::uint64_t id = 0;  ///< 0: none
    Nanos duration{0};     ///< so far
    Nanos credited{0};
    std::optional<CulpritKey> last_seen;
  };

  // The lock is held.
  void credit(Stall& stall, Nanos until);
  void finish();

  mutable std::mutex mutex_;
  TopCulprits culprits_;
  Stall current_;
  std::deque<Stall> unnamed_;  ///< ended; oldest first
};

}  // namespace loopscope
