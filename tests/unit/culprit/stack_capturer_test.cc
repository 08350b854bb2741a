#include "culprit/stack_capturer.h"

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "support/child_process.h"
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
