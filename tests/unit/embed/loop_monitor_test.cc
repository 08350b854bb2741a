#include "loopscope/loop_monitor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <signal.h>

#include <atomic>
#include <numeric>
#include <thread>

#include "core/snapshot.h"
#include "support/no_threads.h"
#include "unit/embed/test_loop.h"

namespace loopscope {
namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::steady_clock;

constexpr milliseconds kBlock{80};

LoopStatsSnapshot stats_of(LoopMonitor& monitor) {
  const Snapshot snapshot = monitor.snapshots().snapshot();
  return snapshot.loops.empty() ? LoopStatsSnapshot{} : snapshot.loops.front().stats;
}

Nanos sum(const std::array<Nanos, kPhaseCount>& times) {
  return std::accumulate(times.begin(), times.end(), Nanos(0));
}

std::uint64_t stalls_of(const LoopStatsSnapshot& stats, Phase phase) {
  std::uint64_t count = 0;
  for (const StallTotals& totals : stats.stalls[static_cast<std::size_t>(phase)]) {
    count += totals.count;
  }
  return count;
}

/// Waits for something another thread brings about.
template <typename Condition>
bool eventually(Condition condition) {
  const auto until = steady_clock::now() + std::chrono::seconds(20);
  while (!condition()) {
    if (steady_clock::now() > until) return false;
    std::this_thread::sleep_for(milliseconds(1));
  }
  return true;
}

TEST(LoopMonitorTest, LetsAnIdleLoopExit) {
  TestLoop loop;
  LoopMonitor monitor(loop.get());
  EXPECT_EQ(uv_loop_alive(loop.get()), 0);
  EXPECT_EQ(loop.run(), 0);
}

TEST(LoopMonitorTest, AProgramThatMayStartNoThreadIsNotBroughtDown) {
  without_threads([] {
    TestLoop loop;
    LoopMonitor monitor(loop.get());
    sigset_t mask;
    pthread_sigmask(SIG_SETMASK, nullptr, &mask);
    EXPECT_EQ(sigismember(&mask, SIGTERM), 0) << "its signals are as before";
    loop.run();
    EXPECT_EQ(monitor.snapshots().snapshot().loops.size(), 1U);
  });
}

TEST(LoopMonitorTest, StaysOutOfWalkAndCloseOfTheLoop) {
  uv_loop_t loop;
  uv_loop_init(&loop);
  {
    LoopMonitor monitor(&loop);
    int seen = 0;
    uv_walk(
        &loop, [](uv_handle_t*, void* count) { ++*static_cast<int*>(count); }, &seen);
    EXPECT_EQ(seen, 0);
    monitor.detach();
    monitor.detach();
    EXPECT_EQ(uv_loop_close(&loop), 0);
  }
}

TEST(LoopMonitorTest, CanBeDetachedInsideACallback) {
  TestLoop loop;
  LoopMonitor monitor(loop.get());
  loop.in_poll([&] { monitor.detach(); });
  loop.after(milliseconds(5), [] {});
  loop.run();
  EXPECT_TRUE(monitor.snapshots().snapshot().loops.empty());
}

TEST(LoopMonitorTest, DetachedInPrepareAndCheckCallbacks) {
  for (const bool in_prepare : {false, true}) {
    TestLoop loop;
    LoopMonitor monitor(loop.get());
    const auto detach = [&] { monitor.detach(); };
    in_prepare ? loop.in_prepare(detach) : loop.in_check(detach);
    loop.after(milliseconds(2), [] {});
    loop.run();
    EXPECT_TRUE(monitor.snapshots().snapshot().loops.empty());
  }
}

struct PhaseCase {
  Phase phase;
  void (TestLoop::*block)(std::function<void()>);
};

class LoopMonitorPhaseTest : public testing::TestWithParam<PhaseCase> {};

TEST_P(LoopMonitorPhaseTest, AttributesAStall) {
  TestLoop loop;
  LoopMonitor monitor(loop.get());
  loop.after(milliseconds(5), [&] { (loop.*GetParam().block)([] { spin_for(kBlock); }); });
  loop.after(milliseconds(300), [] {});
  loop.run();
  const LoopStatsSnapshot stats = stats_of(monitor);
  EXPECT_EQ(stalls_of(stats, GetParam().phase), 1U);
  EXPECT_EQ(all_stalls(stats).count, 1U);
  EXPECT_GE(stats.phase_time[static_cast<std::size_t>(GetParam().phase)], kBlock - milliseconds(5));
  ASSERT_EQ(monitor.stalls().size(), 1U);
  EXPECT_EQ(monitor.stalls().front().phase, GetParam().phase);
  EXPECT_GE(monitor.stalls().front().duration, kBlock);
}

INSTANTIATE_TEST_SUITE_P(Phases, LoopMonitorPhaseTest,
                         testing::Values(PhaseCase{Phase::kPending, &TestLoop::in_pending},
                                         PhaseCase{Phase::kIdlePrepare, &TestLoop::in_idle},
                                         PhaseCase{Phase::kIdlePrepare, &TestLoop::in_prepare},
                                         PhaseCase{Phase::kPoll, &TestLoop::in_poll},
                                         PhaseCase{Phase::kCheck, &TestLoop::in_check},
                                         PhaseCase{Phase::kClosing, &TestLoop::in_closing}),
                         [](const auto& test) {
                           return std::string(to_string(test.param.phase)) +
                                  std::to_string(test.index);
                         });

TEST(LoopMonitorTest, AttributesATimerStall) {
  TestLoop loop;
  LoopMonitor monitor(loop.get());
  loop.after(milliseconds(5), [] { spin_for(kBlock); });
  loop.after(milliseconds(200), [] {});
  loop.run();
  EXPECT_EQ(stalls_of(stats_of(monitor), Phase::kTimers), 1U);
  EXPECT_EQ(all_stalls(stats_of(monitor)).count, 1U);
}

TEST(LoopMonitorTest, SeesAOneShotCheckStartedByAnIoCallback) {
  TestLoop loop;
  LoopMonitor monitor(loop.get());
  loop.after(milliseconds(5),
             [&] { loop.in_poll([&] { loop.in_check([] { spin_for(kBlock); }); }); });
  loop.after(milliseconds(200), [] {});
  loop.run();
  EXPECT_EQ(stalls_of(stats_of(monitor), Phase::kCheck), 1U);
  EXPECT_EQ(all_stalls(stats_of(monitor)).count, 1U);
}

TEST(LoopMonitorTest, TellsComputingFromSleeping) {
  TestLoop loop;
  LoopMonitor monitor(loop.get());
  loop.after(milliseconds(5), [] { spin_for(kBlock); });
  loop.after(milliseconds(200), [] { std::this_thread::sleep_for(kBlock); });
  loop.after(milliseconds(400), [] {});
  loop.run();
  const auto stalls = monitor.stalls();
  ASSERT_EQ(stalls.size(), 2U);
  EXPECT_EQ(stalls[0].cause, Cause::kBlocked);
  // Where CPUs are short, part of the time is starved; it is never asleep.
  EXPECT_NE(stalls[1].cause, Cause::kBlocked);
}

TEST(LoopMonitorTest, CountsTurnsAndAccountsForAllTime) {
  TestLoop loop;
  const auto before = steady_clock::now();
  LoopMonitor monitor(loop.get());
  const auto attached = steady_clock::now();
  struct Turns {
    std::uint64_t count = 0;
    uv_prepare_t prepare{};
  } turns;
  uv_prepare_init(loop.get(), &turns.prepare);
  turns.prepare.data = &turns;
  uv_prepare_start(&turns.prepare, [](uv_prepare_t* h) { ++static_cast<Turns*>(h->data)->count; });
  uv_unref(reinterpret_cast<uv_handle_t*>(&turns.prepare));
  int left = 300;
  std::function<void()> again = [&] {
    if (left % 50 == 0) spin_for(milliseconds(3));
    if (--left > 0) loop.after(milliseconds(left % 3 == 0 ? 1 : 0), again);
  };
  loop.after(milliseconds(0), again);
  loop.run();
  const nanoseconds at_least = steady_clock::now() - attached;
  const LoopStatsSnapshot stats = stats_of(monitor);
  const nanoseconds at_most = steady_clock::now() - before;
  ASSERT_TRUE(stats.iterations.has_value());
  // A turn is from poll to poll, so the one that begins the run has no number, and the one
  // in which the loop runs out of work may lack its prepare callbacks.
  EXPECT_NEAR(static_cast<double>(*stats.iterations), static_cast<double>(turns.count), 2.0);
  EXPECT_LE(sum(stats.phase_time), at_most);
  EXPECT_GE(sum(stats.phase_time), at_least - milliseconds(20));
  EXPECT_EQ(stats.active_time + stats.idle_time,
            sum(stats.phase_time) - stats.phase_time[static_cast<std::size_t>(Phase::kUnknown)]);
  uv_close(reinterpret_cast<uv_handle_t*>(&turns.prepare), nullptr);
  loop.run();
}

TEST(LoopMonitorTest, AnIdleLoopHasNoLag) {
  TestLoop loop;
  LoopMonitor monitor(loop.get());
  loop.after(milliseconds(300), [] {});
  std::jthread runner([&] { loop.run(); });
  std::this_thread::sleep_for(milliseconds(100));
  const LoopStatsSnapshot stats = stats_of(monitor);
  EXPECT_EQ(monitor.blocked(), nanoseconds(0));
  EXPECT_EQ(monitor.phase(), Phase::kPollWait);
  EXPECT_EQ(stats.lag.sum, 0.0);
  EXPECT_GE(stats.lag.count, 90U);
  EXPECT_GE(stats.idle_time, milliseconds(90));
}

TEST(LoopMonitorTest, ShowsAStallInProgressToOtherThreads) {
  TestLoop loop;
  LoopMonitor monitor(loop.get(), {.process = "blocked", .loop = "main"});
  std::atomic<bool> release{false};
  std::jthread runner([&] {
    loop.in_poll([&] {
      while (!release) std::this_thread::sleep_for(milliseconds(1));
    });
    loop.run();
  });
  EXPECT_TRUE(eventually([&] { return monitor.blocked() > milliseconds(120); }));
  EXPECT_EQ(monitor.phase(), Phase::kPoll);
  const Snapshot snapshot = monitor.snapshots().snapshot();
  ASSERT_EQ(snapshot.loops.size(), 1U);
  EXPECT_EQ(snapshot.loops[0].labels.process, "blocked");
  EXPECT_EQ(snapshot.loops[0].info.source, "library");
  EXPECT_GE(snapshot.loops[0].stats.blocked, milliseconds(120));
  EXPECT_GE(snapshot.loops[0].stats.lag_max_1m, milliseconds(120));
  EXPECT_EQ(all_stalls(snapshot.loops[0].stats).count, 1U);
  ASSERT_EQ(monitor.stalls().size(), 1U);
  EXPECT_TRUE(monitor.stalls()[0].in_progress);
  release = true;
  runner.join();
  EXPECT_EQ(monitor.blocked(), nanoseconds(0));
  EXPECT_FALSE(monitor.stalls()[0].in_progress);
  EXPECT_EQ(all_stalls(stats_of(monitor)).count, 1U);
}

TEST(LoopMonitorTest, ASignalDuringTheWaitIsNoStall) {
  struct sigaction action {};
  struct sigaction before {};
  action.sa_handler = [](int) {};
  sigaction(SIGUSR2, &action, &before);
  TestLoop loop;
  LoopMonitor monitor(loop.get());
  uv_async_t stop;
  uv_async_init(loop.get(), &stop,
                [](uv_async_t* h) { uv_close(reinterpret_cast<uv_handle_t*>(h), nullptr); });
  std::thread runner([&] { loop.run(); });
  std::this_thread::sleep_for(milliseconds(150));
  pthread_kill(runner.native_handle(), SIGUSR2);
  std::this_thread::sleep_for(milliseconds(150));
  EXPECT_EQ(monitor.blocked(), nanoseconds(0));
  uv_async_send(&stop);
  runner.join();
  EXPECT_EQ(all_stalls(stats_of(monitor)).count, 0U);
  EXPECT_GE(stats_of(monitor).idle_time, milliseconds(280));
  sigaction(SIGUSR2, &before, nullptr);
}

TEST(LoopMonitorTest, UpdatingTheLoopsClockHidesNoStall) {
  TestLoop loop;
  LoopMonitor monitor(loop.get());
  loop.in_poll([&] {
    spin_for(kBlock);
    uv_update_time(loop.get());
  });
  loop.after(milliseconds(200), [] {});
  loop.run();
  EXPECT_EQ(stalls_of(stats_of(monitor), Phase::kPoll), 1U);
}

TEST(LoopMonitorTest, ReadersAndTheLoopDoNotDisturbEachOther) {
  TestLoop loop;
  LoopMonitor monitor(loop.get());
  std::atomic<bool> done{false};
  std::thread runner([&] {
    int left = 2000;
    std::function<void()> again = [&] {
      if (left % 100 == 0) spin_for(milliseconds(2));
      if (--left > 0) loop.in_idle(again);
      loop.in_check([] {});
    };
    loop.in_idle(again);
    loop.run();
    done = true;
  });
  std::uint64_t iterations = 0;
  Nanos phases{0};
  std::uint64_t lag_count = 0;
  std::uint64_t looks = 0;
  while (!done || looks < 10) {
    const LoopStatsSnapshot stats = stats_of(monitor);
    EXPECT_GE(stats.iterations.value_or(0), iterations);
    EXPECT_GE(sum(stats.phase_time), phases);
    EXPECT_GE(stats.lag.count, lag_count);
    iterations = stats.iterations.value_or(0);
    phases = sum(stats.phase_time);
    lag_count = stats.lag.count;
    ++looks;
  }
  runner.join();
  EXPECT_GT(iterations, 1500U);
}

TEST(LoopMonitorTest, TimerLatenessShowsWhileBlocked) {
  TestLoop loop;
  LoopMonitor monitor(loop.get());
  std::atomic<bool> release{false};
  std::jthread runner([&] {
    loop.after(milliseconds(50), [] {});
    loop.in_poll([&] {
      while (!release) std::this_thread::sleep_for(milliseconds(1));
    });
    loop.run();
  });
  EXPECT_TRUE(eventually([&] { return stats_of(monitor).timer_lateness >= milliseconds(30); }));
  release = true;
}

}  // namespace
}  // namespace loopscope
