#include "backlog/drain_estimate.h"

#include <gtest/gtest.h>

#include <deque>

namespace loopscope {
namespace {

using namespace std::chrono_literals;

/// A queue whose connections come and are accepted in their order.
class Queue {
 public:
  void come(int count) {
    for (int i = 0; i < count; ++i) waiting_.push_back(next_++);
  }
  void accept(int count) {
    for (int i = 0; i < count && !waiting_.empty(); ++i) waiting_.pop_front();
  }
  std::uint64_t depth() const { return waiting_.size(); }
  void show(DrainEstimate& to, Nanos at) const {
    std::set<DrainEstimate::Cookie> cookies;
    for (const std::uint32_t one : waiting_) cookies.insert({one, 7});
    to.observe(at, depth(), std::move(cookies));
  }

 private:
  std::deque<std::uint32_t> waiting_;
  std::uint32_t next_ = 1;
};

double in_seconds(std::optional<Nanos> time) {
  return time ? std::chrono::duration<double>(*time).count() : -1;
}

TEST(DrainEstimate, IsTheDepthByTheRateOfAccepting) {
  DrainEstimate estimate;
  Queue queue;
  queue.come(400);
  Nanos now = 1s;
  for (int i = 0; i < 10; ++i) {
    queue.show(estimate, now);
    queue.come(45);    // 90 a second
    queue.accept(25);  // 50 a second
    now += 500ms;
  }
  queue.show(estimate, now);
  EXPECT_EQ(queue.depth(), 600U);
  EXPECT_NEAR(in_seconds(estimate.drain(now, queue.depth())), 12, 0.01);
  EXPECT_NEAR(in_seconds(estimate.drain(now, 300)), 6, 0.01);
}

TEST(DrainEstimate, OfAnEmptyQueueIsNone) { EXPECT_EQ(DrainEstimate().drain(1s, 0), Nanos{0}); }

TEST(DrainEstimate, IsUnknownBeforeARateIs) {
  DrainEstimate estimate;
  Queue queue;
  queue.come(10);
  queue.show(estimate, 1s);
  EXPECT_FALSE(estimate.drain(1s, 10));
  queue.accept(1);
  queue.show(estimate, 1500ms);
  EXPECT_FALSE(estimate.drain(1500ms, 9)) << "half a second is too little";
}

TEST(DrainEstimate, IsUnknownWhileNobodyAccepts) {
  DrainEstimate estimate;
  Queue queue;
  for (int i = 1; i <= 10; ++i) {
    queue.come(5);
    queue.show(estimate, i * 1s);
  }
  EXPECT_FALSE(estimate.drain(10s, queue.depth()));
}

TEST(DrainEstimate, IsUnknownWhereAllThatWaitedHaveGone) {
  DrainEstimate estimate;
  Queue queue;
  queue.come(20);
  for (int i = 1; i <= 5; ++i) {
    queue.show(estimate, i * 1s);
    queue.come(1000);
    queue.accept(1000);
  }
  EXPECT_FALSE(estimate.drain(6s, queue.depth()));
}

TEST(DrainEstimate, ForgetsAnOldRate) {
  DrainEstimate estimate;
  Queue queue;
  queue.come(1000);
  for (int i = 0; i < 40; ++i) {
    queue.accept(i < 20 ? 20 : 2);
    queue.show(estimate, i * 500ms + 1s);
  }
  EXPECT_NEAR(in_seconds(estimate.drain(21s, 100)), 25, 0.1);
  EXPECT_FALSE(estimate.drain(60s, 100));
}

}  // namespace
}  // namespace loopscope
