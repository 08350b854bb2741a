#include "core/stall_log.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "support/fake_clock.h"

namespace loopscope {
namespace {

using namespace std::chrono_literals;

StallEvent event(Nanos start, Nanos duration) {
  StallEvent result{.start = start,
                    .duration = duration,
                    .phase = Phase::kTimers,
                    .cause = Cause::kCpu,
                    .causes = {}};
  result.causes[index_of(Cause::kCpu)] = duration;
  return result;
}

LoopLabels labels(std::string loop) {
  LoopLabels result;
  result.process = "shop";
  result.pid = 42;
  result.loop = std::move(loop);
  result.extra = {{"team", "checkout"}};
  return result;
}

TEST(StallLog, FollowsAStallFromItsStartToItsEnd) {
  FakeClock clock;
  StallLog log(clock);
  const auto listener = log.listener(labels("main"));
  const auto wall_start = clock.wall_now();
  const Nanos start = clock.now();
  clock.advance(50ms);
  listener->on_stall_started(event(start, 50ms));

  ASSERT_EQ(log.newest(10).size(), 1u);
  StallRecord record = log.newest(10).front();
  EXPECT_EQ(record.process, "shop");
  EXPECT_EQ(record.pid, 42);
  EXPECT_EQ(record.loop, "main");
  EXPECT_EQ(record.labels, labels("main").extra);
  EXPECT_TRUE(record.in_progress);
  EXPECT_EQ(record.started_at, wall_start);
  EXPECT_EQ(record.duration, Nanos(50ms));

  listener->on_stall_progress(event(start, 60ms));
  EXPECT_EQ(log.newest(10).front().duration, Nanos(60ms));
  listener->on_stall_ended(event(start, 70ms));
  record = log.newest(10).front();
  EXPECT_EQ(record.duration, Nanos(70ms));
  EXPECT_FALSE(record.in_progress);
  EXPECT_EQ(record.causes[index_of(Cause::kCpu)], Nanos(70ms));
}

TEST(StallLog, IsNewestFirstBoundedAndNumbersOn) {
  FakeClock clock;
  StallLog log(clock, 3);
  const auto listener = log.listener(labels("main"));
  for (int i = 0; i < 5; ++i) {
    listener->on_stall_started(event(clock.now(), 50ms));
    listener->on_stall_ended(event(clock.now(), 60ms));
  }
  const std::vector<StallRecord> records = log.newest(10);
  ASSERT_EQ(records.size(), 3u);
  EXPECT_EQ(records[0].id, 5u);
  EXPECT_EQ(records[2].id, 3u);
  EXPECT_EQ(log.newest(1).size(), 1u);
  EXPECT_TRUE(log.newest(0).empty());
}

TEST(StallLog, ARecordPushedOutWhileInProgressIsForgotten) {
  FakeClock clock;
  StallLog log(clock, 2);
  const auto slow = log.listener(labels("main"));
  const auto busy = log.listener(labels("worker-1"));
  slow->on_stall_started(event(clock.now(), 50ms));
  for (int i = 0; i < 2; ++i) {
    busy->on_stall_started(event(clock.now(), 50ms));
    busy->on_stall_ended(event(clock.now(), 50ms));
  }
  slow->on_stall_progress(event(clock.now(), 1s));
  slow->on_stall_ended(event(clock.now(), 2s));
  for (const StallRecord& record : log.newest(10)) EXPECT_EQ(record.loop, "worker-1");
}

TEST(StallLog, OutlivesTheLoop) {
  FakeClock clock;
  StallLog log(clock);
  {
    const auto listener = log.listener(labels("main"));
    listener->on_stall_started(event(clock.now(), 50ms));
    listener->on_stall_progress(event(clock.now(), 90ms));
  }
  ASSERT_EQ(log.newest(10).size(), 1u);
  EXPECT_FALSE(log.newest(10).front().in_progress);
  EXPECT_EQ(log.newest(10).front().duration, Nanos(90ms));
}

TEST(StallLog, TellsItsObserverOfStartsAndEnds) {
  FakeClock clock;
  std::vector<std::pair<std::uint64_t, bool>> told;
  StallLog log(clock, 10, [&](const StallRecord& record) {
    told.emplace_back(record.id, record.in_progress);
    EXPECT_FALSE(log.newest(1).empty()) << "may look into the log";
  });
  const auto listener = log.listener(labels("main"));
  listener->on_stall_started(event(clock.now(), 50ms));
  listener->on_stall_progress(event(clock.now(), 55ms));
  listener->on_stall_ended(event(clock.now(), 60ms));
  EXPECT_EQ(told, (std::vector<std::pair<std::uint64_t, bool>>{{1, true}, {1, false}}));
}

TEST(StallLog, ItsListenerTellsWhichRecordIsBeingWritten) {
  FakeClock clock;
  StallLog log(clock);
  const auto listener = log.listener(labels("main"));
  EXPECT_EQ(listener->current_id(), 0u);
  listener->on_stall_started(event(clock.now(), 50ms));
  EXPECT_EQ(listener->current_id(), log.newest(1).front().id);
  listener->on_stall_progress(event(clock.now(), 60ms));
  EXPECT_EQ(listener->current_id(), log.newest(1).front().id);
  listener->on_stall_ended(event(clock.now(), 70ms));
  EXPECT_EQ(listener->current_id(), 0u);
}

StallStack stack(std::string function) {
  StallStack result{.function = std::move(function),
                    .file = "shop.js",
                    .line = 7,
                    .frames = {},
                    .detail = "read /tmp/fifo"};
  result.frames.push_back({"js", result.function, "shop.js", 7});
  return result;
}

TEST(StallLog, TakesTheLatestStackWhileTheStallLastsAndAfterwards) {
  FakeClock clock;
  StallLog log(clock);
  const auto listener = log.listener(labels("main"));
  listener->on_stall_started(event(clock.now(), 50ms));
  const std::uint64_t id = listener->current_id();
  log.set_stack(id, stack("first"));
  StallRecord record = log.newest(1).front();
  EXPECT_EQ(record.function, "first");
  EXPECT_EQ(record.file, "shop.js");
  EXPECT_EQ(record.line, 7);
  EXPECT_EQ(record.detail, "read /tmp/fifo");
  ASSERT_EQ(record.stack.size(), 1u);
  EXPECT_TRUE(record.in_progress);
  EXPECT_EQ(record.duration, Nanos(50ms));

  listener->on_stall_ended(event(clock.now(), 70ms));
  log.set_stack(id, stack("second"));
  record = log.newest(1).front();
  EXPECT_EQ(record.function, "second");
  EXPECT_EQ(record.stack.front().function, "second");
  EXPECT_EQ(record.duration, Nanos(70ms));
}

TEST(StallLog, NobodyIsHarmedByAStackForNoRecord) {
  FakeClock clock;
  StallLog log(clock, 1);
  log.set_stack(1, stack("early"));
  log.await_stack(1);
  log.stack_done(1);
  const auto listener = log.listener(labels("main"));
  for (int i = 0; i < 2; ++i) {
    listener->on_stall_started(event(clock.now(), 50ms));
    listener->on_stall_ended(event(clock.now(), 50ms));
  }
  for (const std::uint64_t id : {0, 1, 3}) {
    log.set_stack(id, stack("other"));
    log.await_stack(id);
    log.stack_done(id);
  }
  EXPECT_EQ(log.newest(1).front().function, "");
}

TEST(StallLog, TellsTheEndOnceTheAwaitedStackIsThere) {
  FakeClock clock;
  std::vector<StallRecord> ended;
  StallLog log(clock, 10, [&](const StallRecord& record) {
    if (!record.in_progress) ended.push_back(record);
  });
  const auto listener = log.listener(labels("main"));
  listener->on_stall_started(event(clock.now(), 50ms));
  const std::uint64_t id = listener->current_id();
  log.await_stack(id);
  listener->on_stall_ended(event(clock.now(), 60ms));
  EXPECT_FALSE(log.newest(1).front().in_progress) << "whoever asks sees the end at once";
  EXPECT_TRUE(ended.empty());
  log.set_stack(id, stack("culprit"));
  EXPECT_TRUE(ended.empty());
  log.stack_done(id);
  ASSERT_EQ(ended.size(), 1u);
  EXPECT_EQ(ended[0].function, "culprit");
  EXPECT_EQ(ended[0].duration, Nanos(60ms));
  log.stack_done(id);
  EXPECT_EQ(ended.size(), 1u) << "told once";
}

TEST(StallLog, DoesNotHoldBackAnEndWhenTheStackIsDoneBefore) {
  FakeClock clock;
  int ended = 0;
  StallLog log(clock, 10, [&](const StallRecord& record) { ended += record.in_progress ? 0 : 1; });
  const auto listener = log.listener(labels("main"));
  listener->on_stall_started(event(clock.now(), 50ms));
  log.await_stack(listener->current_id());
  log.stack_done(listener->current_id());
  EXPECT_EQ(ended, 0);
  listener->on_stall_ended(event(clock.now(), 60ms));
  EXPECT_EQ(ended, 1);
  log.await_stack(1);
  log.stack_done(1);
  EXPECT_EQ(ended, 1) << "too late to hold anything back";
}

TEST(StallLog, AnEndHeldBackIsToldBeforeItsRecordIsPushedOut) {
  FakeClock clock;
  std::vector<std::uint64_t> ended;
  StallLog log(clock, 1, [&](const StallRecord& record) {
    if (!record.in_progress) ended.push_back(record.id);
  });
  const auto listener = log.listener(labels("main"));
  listener->on_stall_started(event(clock.now(), 50ms));
  log.await_stack(listener->current_id());
  listener->on_stall_ended(event(clock.now(), 60ms));
  listener->on_stall_started(event(clock.now(), 50ms));
  EXPECT_EQ(ended, std::vector<std::uint64_t>{1});
  log.stack_done(1);
  EXPECT_EQ(ended.size(), 1u);
}

TEST(StallLog, ReadersShareRecordsThatNeverChange) {
  const FakeClock clock;
  StallLog log(clock);
  const auto listener = log.listener(labels("main"));
  listener->on_stall_started(event(clock.now(), 50ms));
  listener->on_stall_progress(event(clock.now(), 60ms));
  const auto first = log.shared(10);
  EXPECT_EQ(log.shared(10).front(), first.front()) << "not copied for each reader";
  listener->on_stall_progress(event(clock.now(), 70ms));
  StallStack stack;
  stack.function = "hot";
  log.set_stack(first.front()->id, stack);
  listener->on_stall_ended(event(clock.now(), 80ms));
  EXPECT_EQ(first.front()->duration, Nanos(60ms));
  EXPECT_TRUE(first.front()->in_progress);
  EXPECT_EQ(first.front()->function, "");
  const auto later = log.shared(10);
  EXPECT_EQ(later.front()->duration, Nanos(80ms));
  EXPECT_FALSE(later.front()->in_progress);
  EXPECT_EQ(later.front()->function, "hot");
}

TEST(StallLog, ManyLoopsAndReadersAtOnce) {
  const SystemClock clock;
  StallLog log(clock, 50);
  std::atomic<bool> done{false};
  std::thread reader([&] {
    while (!done) {
      const std::vector<StallRecord> records = log.newest(50);
      for (std::size_t i = 1; i < records.size(); ++i) {
        ASSERT_EQ(records[i - 1].id, records[i].id + 1);
      }
    }
  });
  std::vector<std::thread> loops;
  loops.reserve(3);
  for (int i = 0; i < 3; ++i) {
    loops.emplace_back([&, i] {
      const auto listener = log.listener(labels("worker-" + std::to_string(i)));
      for (int j = 0; j < 500; ++j) {
        listener->on_stall_started(event(clock.now(), 50ms));
        listener->on_stall_progress(event(clock.now(), 51ms));
        listener->on_stall_ended(event(clock.now(), 52ms));
      }
    });
  }
  for (std::thread& loop : loops) loop.join();
  done = true;
  reader.join();
  EXPECT_EQ(log.newest(1).front().id, 1500u);
}

}  // namespace
}  // namespace loopscope
