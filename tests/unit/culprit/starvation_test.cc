#include "culprit/starvation.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>

#include "support/test_cgroup.h"
#include "target/thread_counters.h"

namespace loopscope {
namespace {

using namespace std::chrono_literals;

TEST(Starvation, TellsQuotaFromCrowd) {
  EXPECT_EQ(starvation_text(200ms, 180ms, 0.2), "CPU quota (throttled 180 ms, limit 0.2 CPUs)");
  EXPECT_EQ(starvation_text(200ms, 0ms, 0.2), "CPUs are crowded") << "a quota that is not used up";
  EXPECT_EQ(starvation_text(200ms, 0ms, 0), "CPUs are crowded");
  EXPECT_EQ(starvation_text(200ms, 100ms, 1.5),
            "CPU quota (throttled 100 ms, limit 1.5 CPUs) and crowded CPUs");
  EXPECT_EQ(starvation_text(200ms, 180ms, 0), "CPU quota (throttled 180 ms)")
      << "limit not visible";
}

TEST(Starvation, NeverThrottlesForLongerThanTheThreadWaited) {
  // Four CPUs of the group were throttled at a time.
  EXPECT_EQ(starvation_text(200ms, 800ms, 4), "CPU quota (throttled 200 ms, limit 4 CPUs)");
  EXPECT_EQ(starvation_text(200ms, -5ms, 0.2), "CPUs are crowded") << "a new group, from zero";
  EXPECT_EQ(starvation_text(0ms, 0ms, 0.2), "CPUs are crowded");
}

/// Time for which the child has been runnable without a CPU.
Nanos starved(ThreadCounters& counters) {
  const auto sched = counters.sched();
  return sched ? sched->runqueue_wait : Nanos(0);
}

TEST(StarvationReader, ExplainsAQuotaAtWork) {
  auto group = TestCgroup::make("cpu", false);
  if (!group) group = TestCgroup::make("cpu", true);
  if (!group) GTEST_SKIP() << "no CPU cgroup can be written; run as root with one mounted";
  const SpinningChild child;
  ASSERT_TRUE(child.started());
  ASSERT_TRUE(group->add(child.pid()));
  ASSERT_TRUE(group->limit_cpu(1000, 20000));
  auto counters = ThreadCounters::open(child.pid(), child.pid());
  ASSERT_TRUE(counters);
  StarvationReader reader(child.pid());
  reader.begin(starved(*counters));
  const Nanos before = starved(*counters);
  EXPECT_EQ(reader.explain(Nanos(0)), "") << "nothing was waited for";
  ASSERT_TRUE(eventually([&] { return starved(*counters) - before > 100ms; }));
  const std::string text = reader.explain(starved(*counters));
  EXPECT_TRUE(text.starts_with("CPU quota (throttled ")) << text;
  EXPECT_NE(text.find("limit 0.05 CPUs)"), std::string::npos) << text;
}

TEST(StarvationReader, ExplainsACrowd) {
  if (!CgroupCpu::open(::getpid())) GTEST_SKIP() << "no CPU cgroup is visible";
  const SpinningChild child;
  const SpinningChild other;
  ASSERT_TRUE(child.started() && other.started());
  cpu_set_t allowed;
  ASSERT_EQ(::sched_getaffinity(0, sizeof allowed, &allowed), 0);
  int cpu = 0;
  while (!CPU_ISSET(cpu, &allowed)) ++cpu;
  CPU_ZERO(&allowed);
  CPU_SET(cpu, &allowed);
  for (const int pid : {child.pid(), other.pid()}) {
    ASSERT_EQ(::sched_setaffinity(pid, sizeof allowed, &allowed), 0);
  }
  auto counters = ThreadCounters::open(child.pid(), child.pid());
  ASSERT_TRUE(counters);
  StarvationReader reader(child.pid());
  const Nanos before = starved(*counters);
  reader.begin(before);
  ASSERT_TRUE(eventually([&] { return starved(*counters) - before > 50ms; }));
  EXPECT_EQ(reader.explain(starved(*counters)), "CPUs are crowded");
}

TEST(StarvationReader, SaysNothingBeforeItBegan) {
  StarvationReader reader(::getpid());
  EXPECT_EQ(reader.explain(5s), "");
}

TEST(StarvationReader, SaysWhyItCannotTell) {
  StarvationReader reader(0);
  reader.begin(0ms);
  const std::string text = reader.explain(50ms);
  EXPECT_TRUE(text.starts_with("CPU quota or crowded CPUs (")) << text;
}

}  // namespace
}  // namespace loopscope
