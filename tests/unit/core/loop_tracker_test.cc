#include "core/loop_tracker.h"

#include <gtest/gtest.h>

#include <cmath>
#include <memory>

#include "support/monotone_check.h"
#include "support/sanitizer.h"
#include "support/simulated_loop.h"

// Loops with a known history, looked at the way the real sampler does (rates that follow
// the need, accounting that is stale while the thread runs), against the truth.

namespace loopscope {
namespace {

using namespace std::chrono_literals;

constexpr std::array kBusyPhases = {Phase::kTimers, Phase::kPending, Phase::kPoll, Phase::kCheck,
                                    Phase::kClosing};

class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}
  Nanos between(Nanos low, Nanos high) {
    return Nanos(std::uniform_int_distribution(low.count(), high.count())(engine_));
  }
  Nanos about(Nanos mean) {
    return Nanos(std::llround(
        std::exponential_distribution(1.0 / static_cast<double>(mean.count()))(engine_)));
  }
  std::size_t below(std::size_t n) { return engine_() % n; }
  bool chance(double p) { return std::bernoulli_distribution(p)(engine_); }

 private:
  std::mt19937_64 engine_;
};

void expect_shares(SimulatedLoop& loop, double tolerance, Nanos idle_step = 10ms) {
  LoopTracker tracker({});
  SimulatedSampler sampler(3, idle_step);
  const Nanos last = sampler.run(loop, tracker, [](const LoopSample&) {});
  const LoopStatsSnapshot snapshot = tracker.snapshot(last);
  const PhaseTimes truth = loop.phase_times(last);
  const double wall = static_cast<double>((last - loop.start()).count());
  EXPECT_EQ(total_phase_time(snapshot), last - loop.start());
  EXPECT_EQ(snapshot.active_time + snapshot.idle_time, last - loop.start());
  for (std::size_t i = 0; i < kPhaseCount; ++i) {
    EXPECT_NEAR(static_cast<double>(snapshot.phase_time[i].count()) / wall,
                static_cast<double>(truth[i].count()) / wall, tolerance)
        << kPhaseNames[i];
  }
}

TEST(LoopTrackerAccuracy, SharesOfShortCallbacksInEveryPhase) {
  Random random(1);
  SimulatedLoop loop;
  for (int i = 0; i < 30000; ++i) {
    loop.wait(random.about(1ms));
    loop.busy(Phase::kPoll, random.about(400us));
    loop.busy(Phase::kCheck, random.about(200us));
    loop.busy(Phase::kClosing, random.about(100us));
    loop.busy(Phase::kTimers, random.about(300us));
  }
  expect_shares(loop, .01);
}

TEST(LoopTrackerAccuracy, SharesOfBurstsOfUnlikeLengths) {
  // What a look meets is biased towards long callbacks; the shares must not be.
  for (const Nanos wait : {2ms, 8ms, 25ms}) {
    for (const Nanos idle_step : {10ms, 20ms}) {
      Random random(2);
      SimulatedLoop loop;
      for (int i = 0; i < 10000; ++i) {
        loop.wait(random.about(wait));
        if (random.chance(.8)) {
          loop.busy(Phase::kPoll, random.between(300us, 400us));
        } else {
          loop.busy(Phase::kTimers, random.between(2500us, 3ms));
        }
      }
      SCOPED_TRACE(wait / 1ms);
      expect_shares(loop, .01, idle_step);
    }
  }
}

TEST(LoopTrackerAccuracy, SharesOfPeriodsAboutAsLongAsTheSteps) {
  for (const Nanos wait : {1ms, 10ms, 40ms}) {
    Random random(3);
    SimulatedLoop loop;
    for (int i = 0; i < 4000; ++i) {
      loop.wait(random.about(wait));
      const Nanos length = random.between(2ms, 20ms);
      loop.busy(Phase::kPoll, length * 7 / 10);
      loop.busy(Phase::kCheck, length * 3 / 10);
    }
    SCOPED_TRACE(wait / 1ms);
    expect_shares(loop, .02);
  }
}

TEST(LoopTrackerAccuracy, SharesOfASaturatedLoop) {
  Random random(4);
  SimulatedLoop loop;
  for (int i = 0; i < 30000; ++i) {
    loop.wait(random.about(20us));
    loop.busy(Phase::kPoll, random.between(300us, 1ms));
    loop.busy(Phase::kTimers, random.about(400us));
  }
  expect_shares(loop, .01);
}

TEST(LoopTrackerAccuracy, LagOfPeriodsThatLooksCanResolve) {
  Random random(5);
  SimulatedLoop loop;
  for (int i = 0; i < 4000; ++i) {
    loop.wait(random.about(20ms));
    loop.busy(Phase::kPoll, random.between(5ms, 45ms));
  }
  LoopTracker tracker({});
  const Nanos last = SimulatedSampler(5).run(loop, tracker, [](const LoopSample&) {});
  const LoopStatsSnapshot snapshot = tracker.snapshot(last);
  LoopStats truth;
  for (const Nanos length : loop.busy_lengths()) truth.observe_busy_periods(last, length, 1);
  const HistogramSnapshot expected = truth.snapshot(last).lag;
  EXPECT_NEAR(snapshot.lag.sum, expected.sum, expected.sum * .01);
  for (std::size_t i = 1; i < expected.counts.size(); ++i) {
    EXPECT_NEAR(static_cast<double>(snapshot.lag.counts[i]),
                static_cast<double>(expected.counts[i]), static_cast<double>(expected.count) * .005)
        << "bucket " << i;
  }
}

TEST(LoopTrackerAccuracy, OneStallOfHalfASecondInFifteenSeconds) {
  SimulatedLoop loop;
  loop.wait(7s);
  loop.busy(Phase::kTimers, 500ms);
  loop.wait(7500ms);
  LoopTracker tracker({});
  const Nanos last = SimulatedSampler(6).run(loop, tracker, [](const LoopSample&) {});
  const HistogramSnapshot lag = tracker.snapshot(last).lag;
  EXPECT_NEAR(static_cast<double>(lag.count), 15000, 12);
  const std::uint64_t late = lag.count - lag.counts.front();
  EXPECT_NEAR(static_cast<double>(late) / static_cast<double>(lag.count), .0333, .0005);
  EXPECT_NEAR(static_cast<double>(lag.counts[8]), 250, 3) << "(.25, .5]";
  EXPECT_NEAR(static_cast<double>(lag.counts[7]), 150, 3) << "(.1, .25]";
  EXPECT_NEAR(static_cast<double>(lag.counts[6]), 50, 3) << "(.05, .1]";
  EXPECT_NEAR(lag.sum, 125, 1.5);
}

TEST(LoopTrackerAccuracy, OneLagObservationPerMillisecond) {
  Random random(7);
  SimulatedLoop loop;
  for (int i = 0; i < 20000; ++i) {
    loop.wait(random.about(random.chance(.1) ? 30ms : 300us));
    loop.busy(Phase::kPoll, random.about(random.chance(.05) ? 20ms : 500us));
  }
  LoopTracker tracker({});
  SimulatedSampler sampler(7);
  sampler.run(loop, tracker, [&](const LoopSample& sample) {
    if (sample.phase != Phase::kPollWait) return;
    const auto observed = static_cast<double>((sample.at - loop.start()) / 1ms);
    ASSERT_NEAR(static_cast<double>(tracker.snapshot(sample.at).lag.count), observed,
                3 + observed * 1e-4);
  });
}

/// What 200 stalls were, and what was counted.
struct StallRun {
  std::array<std::array<StallTotals, kCauseCount>, kPhaseCount> truth{};
  LoopStatsSnapshot counted;
};

struct StallKind {
  ThreadState state;
  Cause cause;
};
constexpr std::array kStallKinds = {StallKind{ThreadState::kRuns, Cause::kCpu},
                                    StallKind{ThreadState::kSleeps, Cause::kBlocked},
                                    StallKind{ThreadState::kRunnable, Cause::kStarved},
                                    StallKind{ThreadState::kStopped, Cause::kStopped}};

/// `load`: 0 idle between stalls, 1 a light load, 2 nearly saturated.
StallRun run_stalls(std::uint64_t seed, int load, bool cpu_only, Nanos idle_step,
                    bool watch_closely) {
  Random random(seed);
  SimulatedLoop loop;
  StallRun run;
  for (int i = 0; i < 200; ++i) {
    loop.wait(random.between(20ms, 120ms));
    for (int turn = 0; load > 0 && turn < 100; ++turn) {
      loop.busy(kBusyPhases[random.below(5)], random.about(700us));
      loop.wait(random.about(load == 1 ? 4ms : 100us));
    }
    const Phase phase = kBusyPhases[random.below(5)];
    const StallKind kind = kStallKinds[cpu_only ? 0 : random.below(4)];
    const Nanos length = random.between(60ms, 400ms);
    loop.busy(phase, 200us);
    loop.busy(phase, length - 300us, kind.state);
    loop.busy(phase, 100us);
    StallTotals& totals = run.truth[index_of(phase)][index_of(kind.cause)];
    ++totals.count;
    totals.time += length;
  }
  loop.wait(50ms);
  LoopTracker tracker({.stall_threshold = 50ms});
  SimulatedSampler sampler(seed, idle_step);
  const Nanos last = sampler.run(loop, tracker, [&](const LoopSample& sample) {
    if (watch_closely) tracker.snapshot(sample.at);
  });
  run.counted = tracker.snapshot(last);
  return run;
}

TEST(LoopTrackerStalls, TwoHundredAreCountedExactlyWithTheirPhases) {
  for (const int load : {0, 1, 2}) {
    for (const bool cpu_only : {true, false}) {
      for (const Nanos idle_step : {4ms, 10ms}) {
        const StallRun run = run_stalls(11 + load, load, cpu_only, idle_step, false);
        SCOPED_TRACE("load " + std::to_string(load) + (cpu_only ? " cpu" : " mixed"));
        Nanos true_time{0};
        for (std::size_t phase = 0; phase < kPhaseCount; ++phase) {
          for (std::size_t cause = 0; cause < kCauseCount; ++cause) {
            EXPECT_EQ(run.counted.stalls[phase][cause].count, run.truth[phase][cause].count)
                << kPhaseNames[phase] << " " << kCauseNames[cause];
            true_time += run.truth[phase][cause].time;
          }
        }
        EXPECT_EQ(run.counted.stall_duration.count, 200u);
        EXPECT_NEAR(static_cast<double>(all_stalls(run.counted).time / 1us),
                    static_cast<double>(true_time / 1us),
                    static_cast<double>(true_time / 1us) * .01);
      }
    }
  }
}

TEST(LoopTrackerStalls, AreCountedExactlyWhileEveryLookIsExported) {
  for (const int load : {0, 1, 2}) {
    const StallRun run = run_stalls(21, load, false, 10ms, true);
    EXPECT_EQ(all_stalls(run.counted).count, 200u);
    for (std::size_t phase = 0; phase < kPhaseCount; ++phase) {
      std::uint64_t counted = 0, truth = 0;
      for (std::size_t cause = 0; cause < kCauseCount; ++cause) {
        counted += run.counted.stalls[phase][cause].count;
        truth += run.truth[phase][cause].count;
      }
      EXPECT_EQ(counted, truth) << kPhaseNames[phase];
    }
  }
}

TEST(LoopTrackerStalls, OneInProgressIsSeenAsSoonAsALookComes) {
  SimulatedLoop loop;
  loop.wait(1s);
  loop.busy(Phase::kCheck, 10s);
  LoopTracker tracker({.stall_threshold = 50ms});
  const Nanos began = loop.start() + 1s;
  SimulatedSampler(1).run(loop, tracker, [&](const LoopSample& sample) {
    const LoopStatsSnapshot snapshot = tracker.snapshot(sample.at);
    const Nanos truth = sample.at - began;
    if (truth > 54ms) {
      ASSERT_EQ(all_stalls(snapshot).count, 1u) << truth / 1ms;
    }
    if (truth > 15ms) {
      ASSERT_NEAR(static_cast<double>(snapshot.blocked.value() / 1us),
                  static_cast<double>(truth / 1us), 4000);
      ASSERT_EQ(snapshot.lag_max_1m, snapshot.blocked);
    } else if (truth < 0ms) {
      ASSERT_EQ(snapshot.blocked, Nanos(0));
    }
  });
}

/// A random history with everything in it.
SimulatedLoop any_loop(std::uint64_t seed) {
  Random random(seed);
  SimulatedLoop loop;
  constexpr std::array states = {ThreadState::kRuns, ThreadState::kRuns, ThreadState::kSleeps,
                                 ThreadState::kRunnable, ThreadState::kStopped};
  for (int i = 0; i < 1500; ++i) {
    const std::array waits = {Nanos(10us), Nanos(1ms), Nanos(30ms)};
    const std::array lengths = {Nanos(50us), Nanos(800us), Nanos(5ms), Nanos(60ms)};
    loop.wait(random.about(waits[random.below(3)]));
    for (std::size_t part = random.below(4); part > 0; --part) {
      loop.busy(kBusyPhases[random.below(5)], random.about(lengths[random.below(4)]),
                states[random.below(5)]);
    }
  }
  return loop;
}

TEST(LoopTrackerProperty, TimeAddsUpAndNothingGoesDown) {
  for (std::uint64_t seed = 1; seed <= rounds_here(15); ++seed) {
    SimulatedLoop loop = any_loop(seed);
    LoopTracker tracker({.stall_threshold = 20ms});
    LoopStatsSnapshot before = tracker.snapshot(loop.start());
    SimulatedSampler(seed).run(loop, tracker, [&](const LoopSample& sample) {
      const LoopStatsSnapshot after = tracker.snapshot(sample.at);
      ASSERT_NO_FATAL_FAILURE(expect_not_below(before, after)) << "seed " << seed;
      ASSERT_EQ(total_phase_time(after), sample.at - loop.start()) << "seed " << seed;
      ASSERT_EQ(after.active_time + after.idle_time, sample.at - loop.start());
      before = after;
    });
  }
}

TEST(LoopTrackerProperty, ReadersDoNotDisturbEachOther) {
  SimulatedLoop loop = any_loop(5);
  LoopTracker tracker({.stall_threshold = 20ms});
  SimulatedSampler(5).run(loop, tracker, [&](const LoopSample& sample) {
    const LoopStatsSnapshot first = tracker.snapshot(sample.at);
    const LoopStatsSnapshot second = tracker.snapshot(sample.at);
    ASSERT_EQ(first.phase_time, second.phase_time);
    ASSERT_EQ(first.lag.counts, second.lag.counts);
    ASSERT_EQ(first.blocked, second.blocked);
    ASSERT_EQ(all_stalls(first).count, all_stalls(second).count);
    ASSERT_EQ(all_stalls(first).time, all_stalls(second).time);
  });
}

TEST(LoopTrackerProperty, NothingGoesDownWhateverASourceSays) {
  for (std::uint64_t seed = 1; seed <= rounds_here(60); ++seed) {
    std::mt19937_64 random(seed);
    LoopTracker tracker({.stall_threshold = 10ms});
    LoopStatsSnapshot before = tracker.snapshot(0s);
    LoopSample sample;
    sample.at = 1000s;
    const auto wild = [&] { return Nanos(static_cast<std::int64_t>(random())); };
    for (int i = 0; i < 1500; ++i) {
      sample.at += Nanos(static_cast<std::int64_t>(random() % 12'000'000));
      sample.phase = static_cast<Phase>(random() % (random() % 10 == 0 ? 256 : kPhaseCount));
      if (random() % 3 == 0) sample.phase = Phase::kPollWait;
      if (random() % 2 == 0) sample.iteration += random() % 6;
      sample.iteration_is_count = random() % 8 != 0;
      if (sample.sched) sample.sched->run += Nanos(static_cast<std::int64_t>(random() % 9'000'000));
      if (random() % 40 == 0) sample.sched.reset();
      if (random() % 20 == 0) sample.sched = SchedCounters{};
      sample.stopped = random() % 15 == 0;
      sample.collecting = random() % 4 == 0;
      LoopSample given = sample;
      switch (random() % 25) {
        case 0:
          given.at = wild();
          break;
        case 1:
          given.at -= Nanos(static_cast<std::int64_t>(random() % 5'000'000'000));
          break;
        case 2:
          given.iteration = random();
          break;
        case 3:
          given.sched = SchedCounters{wild(), wild()};
          break;
        case 4:
          sample.at += Nanos(static_cast<std::int64_t>(random() % 100'000'000'000'000));
          break;
        case 5:
          tracker.on_gap(random() % 2 == 0 ? wild() : sample.at + 5ms);
          break;
        case 6:
          tracker.set_threshold(wild());
          break;
        case 7:
          given.at = Nanos::max();
          break;
        case 8:
          given.at = Nanos::min();
          break;
        default:
          break;
      }
      tracker.on_sample(given);
      const Nanos now = random() % 30 == 0 ? wild() : sample.at;
      const LoopStatsSnapshot after = tracker.snapshot(now);
      ASSERT_NO_FATAL_FAILURE(expect_not_below(before, after)) << "seed " << seed << " step " << i;
      ASSERT_GE(after.blocked, Nanos(0));
      before = after;
    }
  }
}

LoopSample busy_look(Nanos at) {
  LoopSample sample;
  sample.at = at;
  sample.phase = Phase::kPoll;
  return sample;
}

TEST(LoopTracker, IgnoresCallsOfTheOtherKind) {
  LoopTracker exact({.exact = true}), sampled({});
  exact.on_sample(busy_look(1s));
  exact.on_sample(busy_look(2s));
  sampled.on_iteration({.begin = 1s, .end = 2s, .phases = {}, .causes = {}});
  sampled.on_busy(2s, Phase::kPoll);
  EXPECT_EQ(exact.snapshot(3s).active_time, Nanos(0));
  EXPECT_EQ(sampled.snapshot(3s).active_time, Nanos(0));
}

TEST(LoopTracker, PassesTimerLatenessOn) {
  LoopTracker tracker({});
  LoopSample sample = busy_look(1s);
  sample.timer_lateness = 7ms;
  tracker.on_sample(sample);
  EXPECT_EQ(tracker.snapshot(1s).timer_lateness, Nanos(7ms));
}

}  // namespace
}  // namespace loopscope
