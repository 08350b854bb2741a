#include "sources/uv_stack/uv_timers.h"

#include <algorithm>

#include "target/uv_layout.h"

namespace loopscope {
namespace {

using namespace std::chrono_literals;

constexpr Nanos kRememberInterval = 40ms;
/// What was remembered longer before the phase may have run in an earlier turn.
constexpr Nanos kLongestMemory = 120ms;
constexpr Nanos kMaxLateness = 24h;

Nanos late_by(std::uint64_t due_ms, Nanos now) {
  const auto now_ms = static_cast<std::uint64_t>(now / 1ms);
  if (due_ms >= now_ms) return Nanos{0};
  // A nonsensical due time is not a day's lateness.
  if (now_ms - due_ms > static_cast<std::uint64_t>(kMaxLateness / 1ms)) return Nanos{0};
  return std::chrono::milliseconds(now_ms - due_ms);
}

}  // namespace

std::optional<UvTimers::Timer> UvTimers::earliest(const MemoryReader& memory, std::uint64_t loop) {
  const auto node = memory.read_value<std::uint64_t>(loop + uv_layout::kLoopTimerHeap);
  if (!node || *node < uv_layout::kTimerHeapNode) return std::nullopt;
  Timer timer{.handle = *node - uv_layout::kTimerHeapNode};
  const auto due = memory.read_value<std::uint64_t>(timer.handle + uv_layout::kTimerTimeout);
  if (!due) return std::nullopt;
  timer.due_ms = *due;
  return timer;
}

void UvTimers::remember(const MemoryReader& memory, std::uint64_t loop, Nanos now) {
  if (known_at_ != Nanos{0} && now - known_at_ < kRememberInterval) return;
  known_at_ = now;
  // Node's one timer stays where it is while no timer is pending.
  if (const auto timer = earliest(memory, loop)) known_ = *timer;
}

Nanos UvTimers::lateness(const MemoryReader& memory, std::uint64_t loop, Nanos now) const {
  const auto timer = earliest(memory, loop);
  return timer ? late_by(timer->due_ms, now) : Nanos{0};
}

/// The remembered timer's due time if it is the one that runs, as far as can be told.
std::optional<std::uint64_t> UvTimers::due_of_running(const MemoryReader& memory) const {
  if (known_.handle == 0) return std::nullopt;
  const auto type = memory.read_value<std::int32_t>(known_.handle + uv_layout::kHandleType);
  const auto flags = memory.read_value<std::uint32_t>(known_.handle + uv_layout::kHandleFlags);
  const auto due = memory.read_value<std::uint64_t>(known_.handle + uv_layout::kTimerTimeout);
  if (!type || !flags || !due || *type != uv_layout::kHandleTypeTimer) return std::nullopt;
  if ((*flags & uv_layout::kHandleClosing) != 0) return std::nullopt;
  // Stopped for its callback: it still has the time it was due at, also if it was armed anew
  // since it was remembered.
  if ((*flags & uv_layout::kHandleActive) == 0) return *due;
  // A timer that repeats is armed for its next time already.
  if (*due != known_.due_ms) return known_.due_ms;
  return std::nullopt;
}

Nanos UvTimers::lateness_in_timers(const MemoryReader& memory, std::uint64_t loop, Nanos now,
                                   Nanos since) const {
  Nanos late = std::max(lateness(memory, loop, now), now - since);
  if (known_at_ == Nanos{0} || since - known_at_ > kLongestMemory) return late;
  if (const auto due = due_of_running(memory)) late = std::max(late, late_by(*due, now));
  return late;
}

}  // namespace loopscope
