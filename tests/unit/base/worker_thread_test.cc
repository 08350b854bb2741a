#include "base/worker_thread.h"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>

#include "support/child_process.h"
#include "support/no_threads.h"

namespace loopscope {
namespace {

using namespace std::chrono_literals;

TEST(WorkerThread, RepeatsItsTaskAfterTheTimeThatTheTaskSays) {
  std::atomic<int> times{0};
  WorkerThread worker("worker", [&]() -> Nanos {
    ++times;
    return 1ms;
  });
  EXPECT_FALSE(worker.runs());
  ASSERT_TRUE(worker.start().ok());
  EXPECT_TRUE(worker.start().ok()) << "harmless";
  EXPECT_TRUE(worker.runs());
  EXPECT_TRUE(eventually([&] { return times > 3; }));
  worker.stop();
  EXPECT_FALSE(worker.runs());
  const int ended = times;
  worker.stop();
  EXPECT_EQ(times, ended);
}

TEST(WorkerThread, RunsAtOnceWhenItIsWoken) {
  std::atomic<int> times{0};
  WorkerThread worker("worker", [&]() -> Nanos {
    ++times;
    return 1h;
  });
  ASSERT_TRUE(worker.start().ok());
  ASSERT_TRUE(eventually([&] { return times == 1; }));
  worker.wake();
  EXPECT_TRUE(eventually([&] { return times == 2; }));
}

TEST(WorkerThread, AWakingDuringTheTaskIsNotLost) {
  std::atomic<int> times{0};
  WorkerThread* self = nullptr;
  WorkerThread worker("worker", [&]() -> Nanos {
    if (++times == 1) self->wake();
    return 1h;
  });
  self = &worker;
  ASSERT_TRUE(worker.start().ok());
  EXPECT_TRUE(eventually([&] { return times == 2; }));
}

TEST(WorkerThread, OutlivesWhatItsTaskThrows) {
  std::atomic<int> times{0};
  WorkerThread worker(
      "worker",
      [&]() -> Nanos {
        ++times;
        throw std::runtime_error("not this time");
      },
      1ms);
  ASSERT_TRUE(worker.start().ok());
  EXPECT_TRUE(eventually([&] { return times > 3; }));
}

TEST(WorkerThread, StartsAgainAfterItsEnd) {
  std::atomic<int> times{0};
  WorkerThread worker("worker", [&]() -> Nanos {
    ++times;
    return 1h;
  });
  ASSERT_TRUE(worker.start().ok());
  ASSERT_TRUE(eventually([&] { return times == 1; }));
  worker.stop();
  ASSERT_TRUE(worker.start().ok());
  EXPECT_TRUE(eventually([&] { return times == 2; }));
}

TEST(WorkerThread, SaysWhereTheSystemHasNoThreadLeft) {
  WorkerThread worker("worker", []() -> Nanos { return 1h; });
  bool has_started = true;
  without_threads([&] { has_started = worker.start().ok(); });
  EXPECT_FALSE(has_started);
  EXPECT_FALSE(worker.runs());
}

}  // namespace
}  // namespace loopscope
