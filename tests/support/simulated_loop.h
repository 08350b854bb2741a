#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <random>
#include <vector>

#include "core/busy_period.h"
#include "core/loop_sample.h"

namespace loopscope {

/// What the thread of a simulated loop does.
enum class ThreadState : std::uint8_t { kRuns, kRunnable, kSleeps, kStopped };

/// The true history of one loop, and what a look at it from outside would see, including
/// the kernel's stale accounting. Build it with wait() and busy(), then look at it in order
/// of time.
class SimulatedLoop {
 public:
  explicit SimulatedLoop(Nanos start = std::chrono::seconds(1000)) : start_(start), end_(start) {}

  void wait(Nanos length) {
    ++iteration_;
    add(length, Phase::kPollWait, ThreadState::kSleeps);
  }
  /// Parts in a row without a wait between them are one busy period.
  void busy(Phase phase, Nanos length, ThreadState state = ThreadState::kRuns) {
    add(length, phase, state);
  }

  Nanos start() const { return start_; }
  Nanos end() const { return end_; }
  std::uint64_t turns() const { return iteration_; }

  /// Lets looks begin at the start again.
  void rewind() { cursor_ = 0; }
  /// `at` must not be before the `at` of the look before.
  LoopSample look(Nanos at) {
    while (cursor_ + 1 < parts_.size() && parts_[cursor_].end <= at) ++cursor_;
    const Part& part = parts_[cursor_];
    const Nanos into = std::min(at, part.end) - part.begin;
    SchedCounters sched = part.before;
    if (part.state == ThreadState::kRuns) {
      // Brought up to date at the last tick only.
      const Nanos tick = std::chrono::milliseconds(4);
      const Nanos last_tick = at - (at + std::chrono::microseconds(1700)) % tick;
      sched.run += std::clamp(last_tick - part.begin, Nanos(0), into);
    }
    return {.at = at,
            .phase = part.phase,
            .iteration = part.iteration,
            .iteration_is_count = true,
            .sched = sched,
            .stopped = part.state == ThreadState::kStopped,
            .collecting = false,
            .timer_lateness = Nanos(0)};
  }

  /// True time by phase within [start, until).
  PhaseTimes phase_times(Nanos until) const {
    PhaseTimes times{};
    for (const Part& part : parts_) {
      times[index_of(part.phase)] += std::max(std::min(part.end, until) - part.begin, Nanos(0));
    }
    return times;
  }

  /// True lengths of all busy periods.
  std::vector<Nanos> busy_lengths() const {
    std::vector<Nanos> lengths;
    bool in_period = false;
    for (const Part& part : parts_) {
      if (part.phase == Phase::kPollWait) {
        in_period = false;
      } else if (in_period) {
        lengths.back() += part.end - part.begin;
      } else {
        lengths.push_back(part.end - part.begin);
        in_period = true;
      }
    }
    return lengths;
  }

 private:
  struct Part {
    Nanos begin, end;
    Phase phase;
    ThreadState state;
    std::uint64_t iteration;
    SchedCounters before;
  };

  void add(Nanos length, Phase phase, ThreadState state) {
    if (length <= Nanos(0)) return;
    parts_.push_back({end_, end_ + length, phase, state, iteration_, sched_});
    end_ += length;
    if (state == ThreadState::kRuns) sched_.run += length;
    // Known to the kernel's counters when the thread gets its CPU.
    if (state == ThreadState::kRunnable) sched_.runqueue_wait += length;
  }

  Nanos start_;
  Nanos end_;
  std::uint64_t iteration_ = 0;
  SchedCounters sched_;
  std::vector<Part> parts_;
  std::size_t cursor_ = 0;
};

/// Looks at a rate that follows the need, as the real sampler does: `idle` while nothing
/// happens, 4 ms while iterations turn over, faster inside a long busy period; every look
/// comes a little late.
class SimulatedSampler {
 public:
  explicit SimulatedSampler(std::uint64_t seed, Nanos idle = std::chrono::milliseconds(10))
      : random_(seed), idle_(idle) {}

  Nanos next(const LoopSample& sample) {
    using namespace std::chrono_literals;
    const bool turned = sample.iteration != last_.iteration;
    const bool waited = last_.phase == Phase::kPollWait;
    last_ = sample;
    const Nanos late = std::chrono::microseconds(random_() % 150);
    if (sample.phase == Phase::kPollWait) {
      quiet_ = turned || !waited ? 0 : quiet_ + 1;
      return sample.at + (quiet_ >= 3 ? idle_ : Nanos(4ms)) + late;
    }
    quiet_ = 0;
    if (turned || waited) busy_since_ = sample.at;
    const Nanos busy = sample.at - busy_since_;
    return sample.at + (busy < 3ms ? Nanos(4ms) : std::clamp<Nanos>(busy / 64, 1ms, 4ms)) + late;
  }

  /// Feeds `tracker` every look until the loop's end; calls `each` after each.
  template <typename Tracker, typename Each>
  Nanos run(SimulatedLoop& loop, Tracker& tracker, Each&& each) {
    Nanos at = loop.start();
    Nanos last = at;
    while (at < loop.end()) {
      const LoopSample sample = loop.look(at);
      tracker.on_sample(sample);
      each(sample);
      last = at;
      at = next(sample);
    }
    return last;
  }

 private:
  std::mt19937_64 random_;
  Nanos idle_;
  LoopSample last_;
  Nanos busy_since_{0};
  int quiet_ = 0;
};

}  // namespace loopscope
