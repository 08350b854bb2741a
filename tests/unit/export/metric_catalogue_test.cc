#include "export/metric_catalogue.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "base/series_labels.h"
#include "export/label_text.h"

namespace loopscope {
namespace {

TEST(MetricCatalogue, NamesAreUniqueAndFollowTheirTypeAndUnit) {
  std::set<std::string_view> names;
  for (const MetricSpec& spec : metric_catalogue()) {
    EXPECT_TRUE(names.insert(spec.name).second) << spec.name;
    std::string_view stem = spec.name;
    const bool counter = spec.type == prometheus::MetricType::Counter;
    EXPECT_EQ(stem.ends_with("_total"), counter) << spec.name;
    if (counter) stem.remove_suffix(std::string_view("_total").size());
    EXPECT_TRUE(stem.ends_with(spec.unit)) << spec.name;
    EXPECT_FALSE(spec.help.empty()) << spec.name;
  }
}

TEST(MetricCatalogue, LoopMetricsAreEventloopMetrics) {
  for (const MetricSpec& spec : metric_catalogue()) {
    EXPECT_EQ(spec.name.starts_with("eventloop_"),
              spec.scope == MetricScope::kLoop || spec.scope == MetricScope::kProcess)
        << spec.name;
    EXPECT_EQ(spec.name.starts_with("nodejs_eventloop_"),
              spec.scope == MetricScope::kPromClient || spec.scope == MetricScope::kOpenTelemetry)
        << spec.name;
  }
}

TEST(MetricCatalogue, LookUpByIdFindsThatMetric) {
  for (const MetricSpec& spec : metric_catalogue()) EXPECT_EQ(&metric(spec.id), &spec);
}

TEST(LabelValue, LeavesOrdinaryTextAlone) {
  EXPECT_EQ(label_value("worker-1"), "worker-1");
  EXPECT_EQ(label_value(""), "");
  EXPECT_EQ(label_value("caf\xC3\xA9 \xF0\x9F\x8D\xB5 \"q\" \\ \n\t"),
            "caf\xC3\xA9 \xF0\x9F\x8D\xB5 \"q\" \\ \n\t");
}

TEST(LabelValue, ReplacesBytesThatAreNoUtf8) {
  const std::string bad = "\xEF\xBF\xBD";
  EXPECT_EQ(label_value("a\xFF"), "a" + bad);
  EXPECT_EQ(label_value("\xC3"), bad);                                // cut short
  EXPECT_EQ(label_value("\xC0\xAF"), bad + bad);                      // overlong
  EXPECT_EQ(label_value("\xED\xA0\x80"), bad + bad + bad);            // surrogate
  EXPECT_EQ(label_value("\xF4\x90\x80\x80"), bad + bad + bad + bad);  // beyond U+10FFFF
  EXPECT_EQ(label_value("\x80x"), bad + "x");
}

TEST(LabelValue, ReplacesControlCharacters) {
  const std::string bad = "\xEF\xBF\xBD";
  EXPECT_EQ(label_value(std::string("a\0b", 3)), "a" + bad + "b");
  EXPECT_EQ(label_value("\x1B[31m\r\x7F"), bad + "[31m" + bad + bad);
}

TEST(LabelValue, KeepsTheEndOfLongTextFromACharacterOn) {
  EXPECT_EQ(label_value(std::string(kMaxLabelBytes, 'x')), std::string(kMaxLabelBytes, 'x'));
  EXPECT_EQ(label_value(std::string(kMaxLabelBytes + 1, 'x')),
            "\xE2\x80\xA6" + std::string(kMaxLabelBytes - 3, 'x'));
  std::string wide;
  for (int i = 0; i < 1000; ++i) wide += "\xC3\xA9";
  const std::string cut = label_value(wide);
  EXPECT_LE(cut.size(), kMaxLabelBytes);
  EXPECT_EQ(label_value(cut), cut);
  EXPECT_TRUE(cut.starts_with("\xE2\x80\xA6\xC3\xA9"));
  EXPECT_TRUE(label_value("/" + std::string(3000, 'd') + "/app.js").ends_with("/app.js"));
  EXPECT_LE(label_value(std::string(100000, '\xFF')).size(), kMaxLabelBytes);
}

TEST(LabelValue, KeepsTheEndOfPaths) {
  EXPECT_EQ(label_value("/srv/app.js"), "/srv/app.js");
  EXPECT_EQ(label_value(""), "");
  const std::string longest(kMaxLabelBytes, 'x');
  EXPECT_EQ(label_value(longest), longest);
  const std::string cut = label_value("/" + longest + "/server.js");
  EXPECT_EQ(cut.size(), kMaxLabelBytes);
  EXPECT_TRUE(cut.starts_with("\xE2\x80\xA6xxx"));
  EXPECT_TRUE(cut.ends_with("x/server.js"));
  std::string wide;
  for (int i = 0; i < 1000; ++i) wide += "\xC3\xA9";
  EXPECT_EQ(label_value(wide).substr(0, 5), "\xE2\x80\xA6\xC3\xA9");
  EXPECT_LE(label_value(wide).size(), kMaxLabelBytes);
  for (const std::size_t size : {100U, 200U, 256U, 5000U}) {
    const std::string bad = label_value(std::string(size, '\xFF') + "/a.js");
    EXPECT_LE(bad.size(), kMaxLabelBytes);
    EXPECT_TRUE(bad.ends_with("/a.js")) << size;
  }
}

// Labels of Loopscope's own figures (version, result) are on no series of a loop.
TEST(FreeLabelName, EveryLabelOfALoopIsTaken) {
  for (const MetricSpec& spec : metric_catalogue()) {
    if (spec.scope == MetricScope::kSelf) continue;
    for (const std::string_view name : spec.labels) {
      EXPECT_TRUE(name.empty() || is_series_label(name))
          << name << " is missing in base/series_labels.h";
    }
  }
  for (const std::string_view name : kLoopLabelNames) EXPECT_TRUE(is_series_label(name)) << name;
  EXPECT_TRUE(is_series_label(kPidLabelName));
}

TEST(FreeLabelName, RefusesIllegalAndTakenNames) {
  for (const char* name : {"team", "_x", "Zone2", "version", "result"})
    EXPECT_TRUE(is_free_label_name(name)) << name;
  for (const char* name : {"", "2x", "a-b", "a b", "__name__", "le", "quantile", "pid", "process",
                           "slot", "loop", "phase", "cause", "window", "source", "executable",
                           "nodejs_eventloop_state", "caf\xC3\xA9"}) {
    EXPECT_FALSE(is_free_label_name(name)) << name;
  }
}

}  // namespace
}  // namespace loopscope
