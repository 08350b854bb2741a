#include "target/cgroup_cpu.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "support/test_cgroup.h"

namespace loopscope {
namespace {

using namespace std::chrono_literals;

std::unique_ptr<TestCgroup> make_cpu_group() {
  auto group = TestCgroup::make("cpu", false);
  return group ? std::move(group) : TestCgroup::make("cpu", true);
}

TEST(CgroupCpu, ReadsThrottledTimeOfBothVersions) {
  EXPECT_EQ(parse_throttled("nr_periods 23\nnr_throttled 21\nthrottled_time 824814312\n"),
            824814312ns);
  EXPECT_EQ(parse_throttled("usage_usec 9\nnr_periods 2\nnr_throttled 1\nthrottled_usec 1500\n"),
            1500us);
  EXPECT_EQ(parse_throttled("throttled_time 7\n"), 7ns) << "cpu.stat.local";
  EXPECT_EQ(parse_throttled("throttled_usec 18446744073709551615"),
            parse_throttled("throttled_usec 18446744073709551614"))
      << "nonsense is cut, not wrapped";
  EXPECT_GT(*parse_throttled("throttled_usec 18446744073709551615"), 0ns);
  for (const std::string_view none :
       {"", "usage_usec 0\nuser_usec 0\n", "throttled_time", "throttled_time x\n",
        "throttled_timer 5\n", "nr_throttled 3\n"}) {
    EXPECT_FALSE(parse_throttled(none)) << none;
  }
}

TEST(CgroupCpu, ReadsQuotasOfBothVersions) {
  EXPECT_DOUBLE_EQ(parse_cpu_max("10000 50000\n"), 0.2);
  EXPECT_DOUBLE_EQ(parse_cpu_max("400000 100000\n"), 4);
  EXPECT_DOUBLE_EQ(parse_cpu_max("max 100000\n"), 0);
  EXPECT_DOUBLE_EQ(parse_cpu_max("10000"), 0);
  EXPECT_DOUBLE_EQ(parse_cpu_max("10000 0"), 0);
  EXPECT_DOUBLE_EQ(parse_cfs_quota("10000\n", "50000\n"), 0.2);
  EXPECT_DOUBLE_EQ(parse_cfs_quota("-1\n", "100000\n"), 0);
  EXPECT_DOUBLE_EQ(parse_cfs_quota("", ""), 0);
}

/// Opens `pid`'s group and waits until the kernel has throttled it; the counters then.
std::optional<ThrottleCounters> throttled_counters(int pid) {
  const auto cpu = CgroupCpu::open(pid);
  if (!cpu) return std::nullopt;
  std::optional<ThrottleCounters> found;
  eventually([&] {
    const auto counters = cpu->read();
    if (counters) found = *counters;
    return !counters || counters->throttled > 0ns;
  });
  return found;
}

TEST(CgroupCpu, SeesAQuotaAtWork) {
  const auto group = make_cpu_group();
  if (!group) GTEST_SKIP() << "no CPU cgroup can be written; run as root with one mounted";
  const SpinningChild child;
  ASSERT_TRUE(child.started());
  ASSERT_TRUE(group->add(child.pid()));
  {
    const auto cpu = CgroupCpu::open(child.pid());
    ASSERT_TRUE(cpu) << cpu.error().message;
    const auto counters = cpu->read();
    ASSERT_TRUE(counters);
    EXPECT_EQ(counters->throttled, 0ns);
    EXPECT_DOUBLE_EQ(counters->limit_cpus, 0) << "no quota yet";
  }
  ASSERT_TRUE(group->limit_cpu(2000, 10000));
  const auto counters = throttled_counters(child.pid());
  ASSERT_TRUE(counters);
  EXPECT_GT(counters->throttled, 0ns);
  EXPECT_LT(counters->throttled, 20s);
  EXPECT_DOUBLE_EQ(counters->limit_cpus, 0.2);
}

TEST(CgroupCpu, SeesAQuotaOnAGroupAbove) {
  const auto above = make_cpu_group();
  if (!above) GTEST_SKIP() << "no CPU cgroup can be written; run as root with one mounted";
  const auto group = above->below("inner");
  ASSERT_TRUE(group);
  const SpinningChild child;
  ASSERT_TRUE(child.started());
  ASSERT_TRUE(above->limit_cpu(3000, 10000));
  ASSERT_TRUE(group->add(child.pid()));
  const auto counters = throttled_counters(child.pid());
  ASSERT_TRUE(counters);
  EXPECT_GT(counters->throttled, 0ns);
  EXPECT_DOUBLE_EQ(counters->limit_cpus, 0.3);
}

TEST(CgroupCpu, NoticesThatTheGroupWasRemoved) {
  auto group = make_cpu_group();
  if (!group) GTEST_SKIP() << "no CPU cgroup can be written; run as root with one mounted";
  std::optional<Result<CgroupCpu>> cpu;
  {
    const SpinningChild child;
    ASSERT_TRUE(child.started());
    ASSERT_TRUE(group->add(child.pid()));
    cpu.emplace(CgroupCpu::open(child.pid()));
    ASSERT_TRUE(*cpu);
  }
  group.reset();
  EXPECT_FALSE((*cpu)->read());
}

TEST(CgroupCpu, SaysWhyThereIsNone) { EXPECT_FALSE(CgroupCpu::open(0)); }

}  // namespace
}  // namespace loopscope
