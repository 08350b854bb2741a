#include "apps/server/metrics_merge.h"

#include <gtest/gtest.h>

namespace loopscope::server {
namespace {

TEST(MetricsMergeTest, WritesEveryFamilyOnce) {
  MetricsMerge merge;
  for (const char* pid : {"1", "2"}) {
    merge.add(std::string("# HELP eventloop_b_total help b\n# TYPE eventloop_b_total counter\n"
                          "eventloop_b_total{pid=\"") +
              pid + "\"} 5\n" +
              "# HELP eventloop_a help a\n# TYPE eventloop_a gauge\neventloop_a{pid=\"" + pid +
              "\"} 1\n");
  }
  EXPECT_EQ(merge.text(),
            "# HELP eventloop_a help a\n# TYPE eventloop_a gauge\n"
            "eventloop_a{pid=\"1\"} 1\neventloop_a{pid=\"2\"} 1\n"
            "# HELP eventloop_b_total help b\n# TYPE eventloop_b_total counter\n"
            "eventloop_b_total{pid=\"1\"} 5\neventloop_b_total{pid=\"2\"} 5\n");
}

TEST(MetricsMergeTest, LeavesOutWhatWouldCollide) {
  MetricsMerge merge;
  merge.add(
      "# HELP process_cpu_seconds_total x\n# TYPE process_cpu_seconds_total counter\n"
      "process_cpu_seconds_total 1\n# TYPE eventloop_a gauge\neventloop_a 1\n");
  EXPECT_EQ(merge.text(), "# TYPE eventloop_a gauge\neventloop_a 1\n");
}

TEST(MetricsMergeTest, TakesAnyText) {
  MetricsMerge merge;
  for (const char* text :
       {"", "\n\n", "# HELP ", "# HELP eventloop_", "stray 1", "#", "# TYPE a"}) {
    merge.add(text);
  }
  EXPECT_EQ(merge.text(), "# HELP eventloop_\n");
}

}  // namespace
}  // namespace loopscope::server
