#include "culprit/stack_capturer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <new>
#include <thread>

#include "support/child_process.h"
#include "support/no_threads.h"
#include "target/process_id.h"

namespace loopscope {

// Not in an unnamed namespace: the symbol is what the test looks for. ThreadSanitizer would
// have it call functions of its own.
__attribute__((noinline, no_sanitize_thread)) void burn_for_the_capturer_test(
    volatile std::uint64_t& sink) {
  for (;;) sink = sink + 1;
}

namespace {

using namespace std::chrono_literals;

/// Ended stalls, as the log's observer gets them.
class Reports {
 public:
  StallLog::Observer observer() {
    return [this](const StallRecord& record) {
      if (record.in_progress) return;
      const std::lock_guard lock(mutex_);
      records_.push_back(record);
      changed_.notify_all();
    };
  }
  std::optional<StallRecord> wait() {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, 20s, [this] { return !records_.empty(); })) return std::nullopt;
    return records_.back();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<StallRecord> records_;
};

class StackCapturerTest : public testing::Test {
 protected:
  StackCapturerTest() : log_(clock_, 100, reports_.observer()) {}

  CaptureTarget target_of(int pid) {
    CaptureTarget target;
    target.labels = {.process = "test", .pid = pid, .loop = "main", .extra = {}};
    const auto id = identify(pid);
    EXPECT_TRUE(id.ok());
    if (id) target.process = *id;
    target.tid = pid;
    return target;
  }

  StallEvent stall(Nanos start, Nanos end) {
    return {.start = start,
            .duration = end - start,
            .phase = Phase::kPoll,
            .cause = Cause::kCpu,
            .causes = {}};
  }

  void wait_for_a_look(const StackCapturer& capturer) {
    const auto looked = [&] {
      for (const auto& [result, times] : capturer.snapshot().by_result) {
        if (times > 0) return true;
      }
      return false;
    };
    const Nanos deadline = clock_.now() + 10s;
    while (!looked() && clock_.now() < deadline) std::this_thread::sleep_for(1ms);
  }

  /// Reports looks at a stall that began 50 ms ago until `until` holds.
  template <typename Condition>
  void stall_until(StallListener& listener, Condition until) {
    const Nanos start = clock_.now() - 50ms;
    listener.on_stall_started(stall(start, clock_.now()));
    const Nanos deadline = clock_.now() + 10s;
    while (!until() && clock_.now() < deadline) {
      std::this_thread::sleep_for(1ms);  // as the sampler does
      listener.on_stall_progress(stall(start, clock_.now()));
    }
    listener.on_stall_ended(stall(start, clock_.now()));
  }

  bool live_name_is(const std::string& name) {
    const auto newest = log_.newest(1);
    return !newest.empty() && newest[0].function == name;
  }

  SystemClock clock_;
  Reports reports_;
  StallLog log_;
};

ChildProcess burning_child() {
  return ChildProcess([](const ChildProcess::Channel&) {
    volatile std::uint64_t sink = 0;
    burn_for_the_capturer_test(sink);
  });
}

constexpr char kBurner[] = "loopscope::burn_for_the_capturer_test";

TEST_F(StackCapturerTest, NamesTheFunctionWhileTheStallLasts) {
  const ChildProcess child = burning_child();
  StackCapturer capturer(clock_, log_, {});
  capturer.start();
  auto listener = capturer.listener(target_of(child.pid()));
  stall_until(*listener, [&] { return live_name_is(kBurner); });
  const auto record = reports_.wait();
  ASSERT_TRUE(record);
  EXPECT_EQ(record->function, kBurner);
  EXPECT_FALSE(record->stack.empty());

  const auto culprits = listener->culprits();
  ASSERT_EQ(culprits.size(), 1U);
  EXPECT_EQ(culprits[0].function, kBurner);
  EXPECT_EQ(culprits[0].time, record->duration) << "all of the stall is its";
}

TEST_F(StackCapturerTest, WithoutAThreadNobodyIsBlamedAndTheStallIsReported) {
  const ChildProcess child = burning_child();
  StackCapturer capturer(clock_, log_, {});
  without_threads([&] { EXPECT_FALSE(capturer.start()); });
  auto listener = capturer.listener(target_of(child.pid()));
  stall_until(*listener, [] { return true; });
  const auto record = reports_.wait();
  ASSERT_TRUE(record);
  EXPECT_EQ(record->function, "");
}

TEST_F(StackCapturerTest, SwitchedOffItBlamesNobodyAndTheStallIsReported) {
  const ChildProcess child = burning_child();
  StackCapturer capturer(clock_, log_, {.enabled = false, .ways = {}});
  capturer.start();
  auto listener = capturer.listener(target_of(child.pid()));
  stall_until(*listener, [] { return true; });
  const auto record = reports_.wait();
  ASSERT_TRUE(record);
  EXPECT_EQ(record->function, "");
  EXPECT_TRUE(listener->culprits().empty());
}

TEST_F(StackCapturerTest, WhatNoLookConfirmsIsNotBlamed) {
  const ChildProcess child = burning_child();
  StackCapturer capturer(clock_, log_, {});
  capturer.start();
  auto listener = capturer.listener(target_of(child.pid()));
  // The stall was over long before anybody could take a sample.
  const Nanos start = clock_.now() - 200ms;
  listener->on_stall_started(stall(start, start + 60ms));
  listener->on_stall_ended(stall(start, start + 60ms));
  const auto record = reports_.wait();
  ASSERT_TRUE(record);
  EXPECT_EQ(record->function, "");
}

TEST_F(StackCapturerTest, AStallOverBeforeItsFirstLookIsNamedByWhatLoomed) {
  const ChildProcess child = burning_child();
  StackCapturer capturer(clock_, log_, {});
  capturer.start();
  auto listener = capturer.listener(target_of(child.pid()));
  const Nanos start = clock_.now() - 25ms;
  listener->on_stall_looms();
  wait_for_a_look(capturer);
  // It is seen over the threshold once, and then it has ended.
  listener->on_stall_started(stall(start, clock_.now()));
  listener->on_stall_ended(stall(start, clock_.now()));
  const auto record = reports_.wait();
  ASSERT_TRUE(record);
  EXPECT_EQ(record->function, kBurner);
  ASSERT_EQ(listener->culprits().size(), 1U);
  EXPECT_EQ(listener->culprits()[0].time, record->duration);
}

TEST_F(StackCapturerTest, WhatWasSeenOfAPeriodThatWasNoStallIsThrownAway) {
  const ChildProcess child = burning_child();
  StackCapturer capturer(clock_, log_, {});
  capturer.start();
  auto listener = capturer.listener(target_of(child.pid()));
  listener->on_stall_looms();
  wait_for_a_look(capturer);
  listener->on_stall_averted();
  const Nanos start = clock_.now() - 200ms;
  listener->on_stall_started(stall(start, start + 60ms));
  listener->on_stall_ended(stall(start, start + 60ms));
  const auto record = reports_.wait();
  ASSERT_TRUE(record);
  EXPECT_EQ(record->function, "");
}

TEST_F(StackCapturerTest, OneLoopDoesNotWaitForAnother) {
  // The thread that tells of the slow loop's stall is held until the other's has been told.
  std::mutex mutex;
  std::condition_variable changed;
  bool is_slow = false;
  bool other_told = false;
  bool other_came = false;
  StallLog log(clock_, 10, [&](const StallRecord& record) {
    if (record.in_progress) return;
    std::unique_lock lock(mutex);
    if (record.loop == "slow") {
      is_slow = true;
      changed.notify_all();
      other_came = changed.wait_for(lock, 10s, [&] { return other_told; });
    } else {
      other_told = true;
      changed.notify_all();
    }
  });
  const ChildProcess child = burning_child();
  StackCapturer capturer(clock_, log, {});
  capturer.start();
  CaptureTarget target = target_of(child.pid());
  target.labels.loop = "slow";
  auto slow = capturer.listener(target);
  target.labels.loop = "other";
  auto other = capturer.listener(target);
  const Nanos start = clock_.now() - 50ms;
  slow->on_stall_started(stall(start, clock_.now()));
  slow->on_stall_ended(stall(start, clock_.now()));
  {
    std::unique_lock lock(mutex);
    ASSERT_TRUE(changed.wait_for(lock, 10s, [&] { return is_slow; }));
  }
  other->on_stall_started(stall(start, clock_.now()));
  other->on_stall_ended(stall(start, clock_.now()));
  {
    std::unique_lock lock(mutex);
    EXPECT_TRUE(changed.wait_for(lock, 10s, [&] { return other_told; }));
  }
  slow.reset();
  other.reset();
  capturer.stop();
  EXPECT_TRUE(other_came);
}

TEST_F(StackCapturerTest, ManyLoopsThatStallAtOnceAreAllNamed) {
  const ChildProcess child = burning_child();
  StackCapturer capturer(clock_, log_, {});
  capturer.start();
  std::vector<std::unique_ptr<StallListener>> listeners;
  constexpr std::size_t kLoops = 2 * StackCapturer::kMaxThreads + 4;
  for (std::size_t i = 0; i < kLoops; ++i) {
    CaptureTarget target = target_of(child.pid());
    target.labels.loop = std::to_string(i);
    listeners.push_back(capturer.listener(target));
  }
  const Nanos start = clock_.now() - 50ms;
  for (const auto& listener : listeners) {
    listener->on_stall_started(stall(start, clock_.now()));
  }
  const auto all_named = [&] {
    const auto records = log_.newest(kLoops);
    return records.size() == kLoops &&
           std::ranges::all_of(records, [](const StallRecord& r) { return r.function == kBurner; });
  };
  const Nanos deadline = clock_.now() + 20s;
  while (!all_named() && clock_.now() < deadline) {
    std::this_thread::sleep_for(1ms);
    for (const auto& listener : listeners) {
      listener->on_stall_progress(stall(start, clock_.now()));
    }
  }
  EXPECT_TRUE(all_named());
  for (const auto& listener : listeners) listener->on_stall_ended(stall(start, clock_.now()));
}

TEST_F(StackCapturerTest, AnExceptionInOneLoopsWorkEndsNothingElse) {
  std::atomic<int> told = 0;
  StallLog log(clock_, 10, [&, own = std::this_thread::get_id()](const StallRecord& record) {
    if (record.in_progress) return;
    if (record.loop == "other") ++told;
    if (record.loop == "cursed" && std::this_thread::get_id() != own) throw std::bad_alloc();
  });
  const ChildProcess child = burning_child();
  StackCapturer capturer(clock_, log, {});
  capturer.start();
  CaptureTarget target = target_of(child.pid());
  target.labels.loop = "cursed";
  auto cursed = capturer.listener(target);
  target.labels.loop = "other";
  auto other = capturer.listener(target);
  const Nanos start = clock_.now() - 50ms;
  for (int i = 0; i < 20; ++i) {
    cursed->on_stall_started(stall(start, clock_.now()));
    cursed->on_stall_ended(stall(start, clock_.now()));
    other->on_stall_started(stall(start, clock_.now()));
    other->on_stall_ended(stall(start, clock_.now()));
    const int expected = i + 1;
    const Nanos deadline = clock_.now() + 10s;
    while (told < expected && clock_.now() < deadline) std::this_thread::sleep_for(1ms);
    ASSERT_GE(told, expected);
  }
}

TEST_F(StackCapturerTest, AStallThatLastsWhenTheLoopGoesIsReported) {
  ChildProcess child = burning_child();
  StackCapturer capturer(clock_, log_, {});
  capturer.start();
  auto listener = capturer.listener(target_of(child.pid()));
  const Nanos start = clock_.now() - 50ms;
  listener->on_stall_started(stall(start, clock_.now()));
  listener.reset();
  ASSERT_TRUE(reports_.wait());
}

TEST_F(StackCapturerTest, AStallThatLastsWhenTheCapturerStopsIsReported) {
  const ChildProcess child = burning_child();
  StackCapturer capturer(clock_, log_, {});
  capturer.start();
  auto listener = capturer.listener(target_of(child.pid()));
  const Nanos start = clock_.now() - 50ms;
  listener->on_stall_started(stall(start, clock_.now()));
  capturer.stop();
  listener->on_stall_ended(stall(start, clock_.now()));
  ASSERT_TRUE(reports_.wait());
}

}  // namespace
}  // namespace loopscope
