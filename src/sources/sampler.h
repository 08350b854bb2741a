#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "sources/sampled_loop.h"

namespace loopscope {

/// Looks at all loops from one thread: wakes at absolute times, takes every loop that is
/// due or nearly due in one wake-up, and counts how late its wake-ups come (where CPUs
/// are crowded, the figures of that time are coarser). Loops may be added and removed
/// while it runs.
class Sampler {
 public:
  explicit Sampler(const Clock& clock);
  ~Sampler();
  Sampler(const Sampler&) = delete;
  Sampler& operator=(const Sampler&) = delete;

  /// Looks at the loop at once and from then on; also one it had before, after a failure.
  void add(std::shared_ptr<SampledLoop> loop);
  /// The loop is not looked at any more once this returns.
  void remove(const std::shared_ptr<SampledLoop>& loop);

  /// False: the system has no thread left.
  bool start();
  void stop();

  /// Total time by which wake-ups came late.
  Nanos late() const { return Nanos(late_ns_.load(std::memory_order_relaxed)); }
  /// Duration of the last pass over the loops that were due.
  Nanos pass_duration() const { return Nanos(pass_ns_.load(std::memory_order_relaxed)); }

 private:
  struct Entry {
    std::shared_ptr<SampledLoop> loop;
    Nanos due{0};
  };
  void run();
  /// Looks at what is due; returns when the next loop is.
  Nanos pass(Nanos now);
  static Nanos look_at(SampledLoop& loop, Nanos now);

  const Clock& clock_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<Entry> entries_;
  bool stopping_ = false;
  bool entries_changed_ = false;
  std::atomic<std::int64_t> late_ns_{0};
  std::atomic<std::int64_t> pass_ns_{0};
  std::thread thread_;
};

}  // namespace loopscope
