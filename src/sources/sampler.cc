#include "sources/sampler.h"

#include <algorithm>

#include "base/guarded.h"

namespace loopscope {
namespace {

using namespace std::chrono_literals;

// Loops due within this share one wake-up.
constexpr Nanos kCoalesce = 500us;
constexpr Nanos kNothingDue = 1s;
// After a look that ended in an exception.
constexpr Nanos kRecovery = 100ms;

}  // namespace

Sampler::Sampler(const Clock& clock) : clock_(clock) {}

Sampler::~Sampler() { stop(); }

void Sampler::add(std::shared_ptr<SampledLoop> loop) {
  const std::lock_guard lock(mutex_);
  std::erase_if(entries_, [&loop](const Entry& entry) { return entry.loop == loop; });
  entries_.push_back({std::move(loop), clock_.now()});
  entries_changed_ = true;
  wake_.notify_one();
}

void Sampler::remove(const std::shared_ptr<SampledLoop>& loop) {
  const std::lock_guard lock(mutex_);
  std::erase_if(entries_, [&loop](const Entry& entry) { return entry.loop == loop; });
}

bool Sampler::start() {
  if (thread_.joinable()) return true;
  stopping_ = false;
  auto thread = start_thread("sampler", [this] { run(); });
  if (thread) thread_ = std::move(*thread);
  return thread.ok();
}

void Sampler::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    wake_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
}

void Sampler::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    const Nanos due = pass(clock_.now());
    const std::chrono::steady_clock::time_point deadline{
        std::chrono::duration_cast<std::chrono::steady_clock::duration>(due)};
    entries_changed_ = false;
    const bool called =
        wake_.wait_until(lock, deadline, [this] { return stopping_ || entries_changed_; });
    if (!called) {
      const Nanos late = clock_.now() - due;
      if (late > Nanos{0}) late_ns_.fetch_add(late.count(), std::memory_order_relaxed);
    }
  }
}

Nanos Sampler::pass(Nanos now) {
  Nanos next = now + kNothingDue;
  for (Entry& entry : entries_) {
    if (entry.loop->failed()) continue;
    // Each loop is given the time of its own look: a hundred of them take a while.
    if (entry.due <= now + kCoalesce) entry.due = look_at(*entry.loop, clock_.now());
    next = std::min(next, entry.due);
  }
  pass_ns_.store((clock_.now() - now).count(), std::memory_order_relaxed);
  return next;
}

Nanos Sampler::look_at(SampledLoop& loop, Nanos now) {
  Nanos next = now + kRecovery;
  if (run_guarded("sampler", [&] { next = loop.look(now); })) return next;
  // What happened until the next look was not seen.
  run_guarded("sampler", [&] { loop.lose_sight(now); });
  return next;
}

}  // namespace loopscope
