#include "export/compatible_metrics.h"

#include <gtest/gtest.h>

#include <string>

#include "export/exposition.h"
#include "export/prometheus_bridge.h"
#include "unit/export/sample_snapshot.h"

namespace loopscope {
namespace {

constexpr char kPromClientText[] =
    R"(nodejs_eventloop_lag_seconds{process="shop",slot="0",loop="main",team="checkout"} 0.3
nodejs_eventloop_lag_min_seconds{process="shop",slot="0",loop="main",team="checkout"} 0
nodejs_eventloop_lag_max_seconds{process="shop",slot="0",loop="main",team="checkout"} 0.5
nodejs_eventloop_lag_mean_seconds{process="shop",slot="0",loop="main",team="checkout"} 0.012
nodejs_eventloop_lag_stddev_seconds{process="shop",slot="0",loop="main",team="checkout"} 0.045
nodejs_eventloop_lag_p50_seconds{process="shop",slot="0",loop="main",team="checkout"} 0
nodejs_eventloop_lag_p90_seconds{process="shop",slot="0",loop="main",team="checkout"} 0.005
nodejs_eventloop_lag_p99_seconds{process="shop",slot="0",loop="main",team="checkout"} 0.2
)";

constexpr char kOpenTelemetryText[] =
    R"(nodejs_eventloop_delay_min_seconds{process="shop",slot="0",loop="main",team="checkout"} 0
nodejs_eventloop_delay_max_seconds{process="shop",slot="0",loop="main",team="checkout"} 0.5
nodejs_eventloop_delay_mean_seconds{process="shop",slot="0",loop="main",team="checkout"} 0.012
nodejs_eventloop_delay_stddev_seconds{process="shop",slot="0",loop="main",team="checkout"} 0.045
nodejs_eventloop_delay_p50_seconds{process="shop",slot="0",loop="main",team="checkout"} 0
nodejs_eventloop_delay_p90_seconds{process="shop",slot="0",loop="main",team="checkout"} 0.005
nodejs_eventloop_delay_p99_seconds{process="shop",slot="0",loop="main",team="checkout"} 0.2
nodejs_eventloop_utilization_ratio{process="shop",slot="0",loop="main",team="checkout"} 0.07
nodejs_eventloop_time_seconds_total{process="shop",slot="0",loop="main",team="checkout",nodejs_eventloop_state="active"} 0.673
nodejs_eventloop_time_seconds_total{process="shop",slot="0",loop="main",team="checkout",nodejs_eventloop_state="idle"} 9
)";

/// The samples with names that are not our own.
std::string compatible_text(const Snapshot& snapshot, CompatibleNames names) {
  std::string out;
  for (auto& family : scrape_families(snapshot, {}, {names})) {
    if (!family.name.starts_with("nodejs_")) continue;
    const std::string text = text_exposition({family});
    EXPECT_NE(text.find("# TYPE " + family.name +
                        (family.name.ends_with("_total") ? " counter\n" : " gauge\n")),
              std::string::npos);
    out += text.substr(text.find('\n', text.find("# TYPE")) + 1);
  }
  return out;
}

TEST(CompatibleMetrics, NoneUnlessAskedFor) {
  EXPECT_EQ(compatible_text(test::sample_snapshot(), {}), "");
  for (const auto& family : loop_families(test::sample_snapshot())) {
    EXPECT_TRUE(family.name.starts_with("eventloop_")) << family.name;
  }
}

TEST(CompatibleMetrics, NodeLoopsUnderThePromClientNames) {
  EXPECT_EQ(compatible_text(test::sample_snapshot(), {.prom_client = true}), kPromClientText);
}

TEST(CompatibleMetrics, NodeLoopsUnderTheOpenTelemetryNames) {
  EXPECT_EQ(compatible_text(test::sample_snapshot(), {.opentelemetry = true}), kOpenTelemetryText);
}

TEST(CompatibleMetrics, BothTogether) {
  EXPECT_EQ(compatible_text(test::sample_snapshot(), {true, true}),
            std::string(kPromClientText) + kOpenTelemetryText);
}

TEST(CompatibleMetrics, OtherRuntimesHaveNone) {
  Snapshot snapshot = test::sample_snapshot();
  for (const char* runtime : {"libuv", "deno", "bun", "nginx", "unknown", ""}) {
    for (LoopSnapshot& loop : snapshot.loops) loop.info.runtime = runtime;
    EXPECT_EQ(compatible_text(snapshot, {true, true}), "") << runtime;
  }
}

TEST(CompatibleMetrics, EachWorkerHasItsOwn) {
  Snapshot snapshot;
  snapshot.loops = {test::busy_loop(1, "main"), test::busy_loop(1, "worker-1")};
  const std::string text = compatible_text(snapshot, {.prom_client = true});
  EXPECT_NE(text.find(R"(nodejs_eventloop_lag_p99_seconds{process="shop",slot="0",loop="main")"),
            std::string::npos);
  EXPECT_NE(
      text.find(R"(nodejs_eventloop_lag_p99_seconds{process="shop",slot="0",loop="worker-1")"),
      std::string::npos);
}

TEST(CompatibleMetrics, NothingObservedIsAbsentAndNotZero) {
  Snapshot snapshot;
  snapshot.loops = {test::busy_loop(1, "main")};
  snapshot.loops[0].labels.extra.clear();
  snapshot.loops[0].stats.lag_1m.reset();
  EXPECT_EQ(compatible_text(snapshot, {true, true}),
            R"(nodejs_eventloop_lag_seconds{process="shop",slot="0",loop="main"} 0.3
nodejs_eventloop_time_seconds_total{process="shop",slot="0",loop="main",nodejs_eventloop_state="active"} 0.673
nodejs_eventloop_time_seconds_total{process="shop",slot="0",loop="main",nodejs_eventloop_state="idle"} 9
)");
}

}  // namespace
}  // namespace loopscope
