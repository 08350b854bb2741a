#include "target/proc_stat.h"

#include <gtest/gtest.h>

#include <string>

namespace loopscope {
namespace {

constexpr std::string_view kTail =
    " 1000 77 77 0 -1 4194304 123 0 0 0 45 6 0 0 20 -5 11 0 987654 22548480 1024 1844674407";

TEST(ProcStat, ReadsTheFields) {
  const std::string line = "77 (node) S" + std::string(kTail);
  const auto stat = parse_proc_stat(line);
  ASSERT_TRUE(stat);
  EXPECT_EQ(stat->pid, 77);
  EXPECT_EQ(stat->comm, "node");
  EXPECT_EQ(stat->state, 'S');
  EXPECT_EQ(stat->parent_pid, 1000);
  EXPECT_EQ(stat->flags, 4194304U);
  EXPECT_EQ(stat->minor_faults, 123U);
  EXPECT_EQ(stat->user_ticks, 45U);
  EXPECT_EQ(stat->system_ticks, 6U);
  EXPECT_EQ(stat->thread_count, 11U);
  EXPECT_EQ(stat->start_time, 987654U);
}

TEST(ProcStat, TakesAnyCommandName) {
  for (const std::string comm : {"a b", ") S 1 2 3", "((", "", "x) Z (y", "\n"}) {
    const std::string line = "77 (" + comm + ") S" + std::string(kTail);
    const auto stat = parse_proc_stat(line);
    ASSERT_TRUE(stat) << comm;
    EXPECT_EQ(stat->comm, comm);
    EXPECT_EQ(stat->state, 'S');
    EXPECT_EQ(stat->start_time, 987654U);
  }
}

TEST(ProcStat, RefusesWhatIsCutOff) {
  const std::string line = "77 (no) de) S" + std::string(kTail);
  const std::size_t last_field = line.find("987654");
  for (std::size_t length = 0; length < last_field; ++length) {
    EXPECT_FALSE(parse_proc_stat(line.substr(0, length))) << length;
  }
}

TEST(ProcStat, KnowsTheDeadTheStoppedAndTheKernels) {
  ProcStat stat;
  for (const char state : {'Z', 'X', 'x'}) {
    stat.state = state;
    EXPECT_TRUE(stat.is_dead());
  }
  stat.state = 'T';
  EXPECT_TRUE(stat.is_stopped());
  EXPECT_FALSE(stat.is_dead());
  stat.flags = 2129984;  // of a kworker
  EXPECT_TRUE(stat.is_kernel_thread());
}

}  // namespace
}  // namespace loopscope
