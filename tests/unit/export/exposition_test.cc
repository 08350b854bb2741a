#include "export/exposition.h"

#include <gtest/gtest.h>
#include <prometheus/text_serializer.h>

#include <cmath>
#include <cstdio>
#include <fstream>
#include <string>

#include "export/prometheus_bridge.h"
#include "unit/export/sample_snapshot.h"

namespace loopscope {
namespace {

ProcessStats fixed_process() { return {1.5, 8e6, 6e8, 12, 1024, 1.7e9}; }

std::vector<prometheus::MetricFamily> sample_families() {
  return scrape_families(test::sample_snapshot(), fixed_process());
}

// On a mismatch the new text is left beside the test for a look and a copy.
void expect_golden(const std::string& actual, const std::string& name) {
  const std::string expected = test::fixture(name);
  if (actual != expected) std::ofstream(testing::TempDir() + name) << actual;
  EXPECT_EQ(actual, expected) << "new text in " << testing::TempDir() << name;
}

// promtool also prints advice that does not change its exit code; there must be none.
void expect_promtool_accepts(const std::string& text) {
  const std::string path = testing::TempDir() + "loopscope_exposition_test.txt";
  std::ofstream(path) << text;
  std::FILE* pipe = popen(("promtool check metrics < " + path + " 2>&1").c_str(), "r");
  ASSERT_NE(pipe, nullptr);
  std::string said;
  for (int c = std::fgetc(pipe); c != EOF; c = std::fgetc(pipe)) said += static_cast<char>(c);
  EXPECT_EQ(pclose(pipe), 0) << "promtool (package prometheus) is missing or found fault";
  EXPECT_EQ(said, "");
}

TEST(TextExposition, MatchesTheGoldenFile) {
  expect_golden(text_exposition(sample_families()), "metrics.txt");
}

TEST(TextExposition, AgreesWithTheSerializerOfPrometheusCpp) {
  EXPECT_EQ(text_exposition(sample_families()),
            prometheus::TextSerializer().Serialize(sample_families()));
}

TEST(TextExposition, WritesNumbersThatReadBackTheSame) {
  const auto written = [](double value) {
    prometheus::MetricFamily family;
    family.name = "x";
    family.type = prometheus::MetricType::Gauge;
    family.metric.emplace_back().gauge.value = value;
    const std::string text = text_exposition({family});
    return text.substr(text.rfind(' ') + 1, text.size() - text.rfind(' ') - 2);
  };
  EXPECT_EQ(written(0), "0");
  EXPECT_EQ(written(-3), "-3");
  EXPECT_EQ(written(4194304), "4194304");
  EXPECT_EQ(written(0.1), "0.1");
  EXPECT_EQ(written(1e300), "1e+300");
  EXPECT_EQ(written(NAN), "NaN");
  EXPECT_EQ(written(INFINITY), "+Inf");
  EXPECT_EQ(written(-INFINITY), "-Inf");
  for (const double value : {123456789.123456789, 1.0 / 3, 9007199254740993.0}) {
    EXPECT_EQ(std::stod(written(value)), value);
  }
}

TEST(TextExposition, PassesPromtool) {
  expect_promtool_accepts(text_exposition(sample_families()));
  expect_promtool_accepts(text_exposition(
      scrape_families(test::sample_snapshot(), fixed_process(), {.names = {true, true}})));
}

TEST(TextExposition, HostileNamesStayWithinTheirLabel) {
  Snapshot snapshot;
  snapshot.loops.push_back(test::busy_loop(1, "a\"} 1\nevil_metric{x=\"\\"));
  snapshot.loops[0].labels.process = std::string("\xFF\0\x1B]0;x", 7);
  const std::string text = text_exposition(loop_families(snapshot));
  EXPECT_EQ(text.find("\nevil_metric"), std::string::npos);
  EXPECT_NE(text.find(R"(loop="a\"} 1\nevil_metric{x=\"\\")"), std::string::npos);
  expect_promtool_accepts(text);
  const std::string open_metrics = open_metrics_exposition(loop_families(snapshot));
  EXPECT_NE(open_metrics.find(R"(loop="a\"} 1\nevil_metric{x=\"\\")"), std::string::npos);
  EXPECT_EQ(open_metrics.find("\nevil_metric"), std::string::npos);
}

TEST(OpenMetricsExposition, MatchesTheGoldenFile) {
  expect_golden(open_metrics_exposition(sample_families()), "openmetrics.txt");
}

TEST(OpenMetricsExposition, EndsWithTheMarkerEvenIfEmpty) {
  EXPECT_EQ(open_metrics_exposition({}), "# EOF\n");
}

}  // namespace
}  // namespace loopscope
