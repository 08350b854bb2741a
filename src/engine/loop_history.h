#pragma once

#include <compare>
#include <map>
#include <memory>
#include <string>

#include "base/clock.h"
#include "core/snapshot.h"

namespace loopscope {

/// What loops that have ended came to, for those that take their places: the counters of a
/// series go on over a restart, so that nothing is lost to whoever asks for their increase.
/// Kept for a while. Not thread-safe.
class LoopHistory {
 public:
  /// For as long as a place is its last loop's.
  static constexpr Nanos kKept = std::chrono::minutes(10);
  static constexpr std::size_t kMaxPlaces = 4096;

  /// What tells the series of loops apart.
  struct Place {
    std::string process;
    std::string container;
    int slot = 0;
    std::string loop;
    auto operator<=>(const Place&) const = default;
  };

  /// The totals of a loop that has ended, those of its own predecessors included.
  void leave(const Place& place, LoopStatsSnapshot totals, Nanos now);
  /// For the loop that has the place now. Null: nobody had it, or too long ago.
  std::shared_ptr<const LoopStatsSnapshot> take(const Place& place, Nanos now);

 private:
  struct Left {
    std::shared_ptr<const LoopStatsSnapshot> totals;
    Nanos at{0};
  };
  void forget(Nanos now);

  std::map<Place, Left> left_;
};

}  // namespace loopscope
