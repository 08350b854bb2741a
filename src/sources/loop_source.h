#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "core/loop_sample.h"
#include "core/snapshot.h"
#include "sources/gc_word.h"

namespace loopscope {

/// Looks at one loop from outside, again and again. Used from one thread at a time.
class LoopSource {
 public:
  virtual ~LoopSource() = default;

  /// One look at time `now` (monotonic). Must not block on the target and must not
  /// allocate in the usual case. Error: this loop cannot be seen any more (its thread
  /// ended, access was lost); the source is then of no further use.
  virtual Result<LoopSample> sample(Nanos now) = 0;
  virtual const LoopInfo& info() const = 0;

  /// Whether what it looks at is an event loop: only then are its samples figures of one.
  enum class Standing : std::uint8_t { kUnproven, kProven, kRefuted };
  virtual Standing standing() const { return Standing::kProven; }
  /// Why it is not (yet) proven; empty if it is.
  virtual std::string doubt() const { return {}; }
  /// What of a proven loop it cannot see, and what would allow it; empty: nothing.
  virtual std::string limitation() const { return {}; }

  /// Where to see that the garbage collector runs (LoopSample::collecting); absent: nowhere.
  /// A source that cannot look there ignores it.
  virtual void watch_gc(std::optional<GcWord>) {}
};

}  // namespace loopscope
