#include "culprit/ptrace_taker.h"

#include <gtest/gtest.h>
#include <sched.h>

#include <algorithm>
#include <chrono>
#include <list>
#include <thread>

#include "support/child_process.h"

namespace loopscope {
namespace {

using namespace std::chrono_literals;

constexpr Nanos kLongestStop = 1ms;

void compute_for_ever(const ChildProcess::Channel& parent) {
  parent.say('r');
  for (volatile int turn = 0;;) turn = turn + 1;
}

/// This thread and its children have one CPU for all of them.
bool share_one_cpu() {
  cpu_set_t all;
  if (::sched_getaffinity(0, sizeof all, &all) != 0) return false;
  cpu_set_t one;
  CPU_ZERO(&one);
  for (int cpu = 0; cpu < CPU_SETSIZE && CPU_COUNT(&one) == 0; ++cpu) {
    if (CPU_ISSET(cpu, &all)) CPU_SET(cpu, &one);
  }
  return ::sched_setaffinity(0, sizeof one, &one) == 0;
}

bool may_have_real_time() {
  bool may = false;
  std::thread([&] {
    sched_param real_time{};
    real_time.sched_priority = 1;
    may = ::sched_setscheduler(0, SCHED_FIFO, &real_time) == 0;
  }).join();
  return may;
}

TEST(PtraceTakerTest, StopsAreShortAlsoOnACrowdedCpu) {
  if (!may_have_real_time()) GTEST_SKIP() << "real-time priority is not permitted";
  std::vector<Nanos> stops;
  std::thread([&] {  // whose affinity ends with it
    ASSERT_TRUE(share_one_cpu());
    const ChildProcess target(compute_for_ever);
    ASSERT_EQ(target.hear(), 'r');
    std::list<ChildProcess> others;
    for (int i = 0; i < 3; ++i) others.emplace_back(compute_for_ever);
    auto taker = PtraceTaker::open(target.pid(), target.pid());
    ASSERT_TRUE(taker.ok()) << taker.error().message;
    for (int i = 0; i < 40 && stops.size() < 15; ++i) {
      const auto samples = (*taker)->take(1, 50ms);
      if (!samples) continue;
      for (const StackSample& sample : *samples) stops.push_back(sample.stopped);
    }
  })
      .join();
  ASSERT_GE(stops.size(), 10u);
  // What else the machine does may take the CPU from real-time threads, too.
  const auto long_ones = std::ranges::count_if(stops, [](Nanos n) { return n > kLongestStop; });
  EXPECT_LE(long_ones, 2) << "of " << stops.size() << ", the longest "
                          << *std::ranges::max_element(stops) / 1us << " us";
}

}  // namespace
}  // namespace loopscope
