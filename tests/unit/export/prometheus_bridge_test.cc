#include "export/prometheus_bridge.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>

#include "export/metric_catalogue.h"
#include "loopscope/collectable.h"
#include "unit/export/sample_snapshot.h"

namespace loopscope {
namespace {

using Families = std::vector<prometheus::MetricFamily>;
using Label = prometheus::ClientMetric::Label;

const prometheus::MetricFamily* find(const Families& families, MetricId id) {
  const auto found = std::ranges::find(families, metric(id).name, &prometheus::MetricFamily::name);
  return found == families.end() ? nullptr : &*found;
}

std::string label(const prometheus::ClientMetric& series, const std::string& name) {
  const auto found = std::ranges::find(series.label, name, &Label::name);
  return found == series.label.end() ? "(absent)" : found->value;
}

void expect_unique_series(const Families& families) {
  std::set<std::string> names;
  for (const auto& family : families) {
    EXPECT_TRUE(names.insert(family.name).second) << family.name;
    EXPECT_FALSE(family.metric.empty()) << family.name;
    std::set<std::vector<Label>> seen;
    for (const auto& series : family.metric) {
      EXPECT_TRUE(seen.insert(series.label).second) << family.name;
      std::set<std::string> label_names;
      for (const auto& l : series.label) EXPECT_TRUE(label_names.insert(l.name).second) << l.name;
    }
  }
}

TEST(PrometheusBridge, FamiliesStandInCatalogueOrderEachOnce) {
  const Families families =
      scrape_families(test::sample_snapshot(), read_process_stats(), {.names = {true, true}});
  expect_unique_series(families);
  EXPECT_EQ(families.size(), kMetricCount);
  for (std::size_t i = 0; i < families.size(); ++i) {
    EXPECT_EQ(families[i].name, metric_catalogue()[i].name);
  }
}

TEST(PrometheusBridge, EmptySnapshotHasNoLoopFamilies) {
  EXPECT_TRUE(loop_families({}).empty());
  const Families families = scrape_families({}, {});
  ASSERT_EQ(families.size(), 3U);  // build_info, targets, sampler_late
  EXPECT_EQ(families[0].name, metric(MetricId::kBuildInfo).name);
}

TEST(PrometheusBridge, WhatIsNotMeasuredHasNoSeries) {
  Snapshot snapshot = test::sample_snapshot();
  for (auto& loop : snapshot.loops) {
    loop.stats.iterations.reset();
    loop.stats.iteration_duration.reset();
  }
  for (auto& listener : snapshot.listeners) {
    listener.syn_received.reset();
    listener.unread.reset();
  }
  snapshot.namespaces.clear();
  snapshot.stack_captures.reset();
  const Families self = scrape_families(snapshot, {});
  EXPECT_EQ(find(self, MetricId::kStackCaptures), nullptr);
  EXPECT_EQ(find(self, MetricId::kStackStops), nullptr);
  const Families families = loop_families(snapshot);
  for (const MetricId id :
       {MetricId::kIterations, MetricId::kIterationDuration, MetricId::kBacklogSynReceived,
        MetricId::kUnread, MetricId::kListenOverflows, MetricId::kListenDrops}) {
    EXPECT_EQ(find(families, id), nullptr) << metric(id).name;
  }
}

TEST(PrometheusBridge, HistogramsAreCumulativeAndAgreeWithTheirCount) {
  const Families families = loop_families(test::sample_snapshot());
  const auto* lag = find(families, MetricId::kLag);
  ASSERT_NE(lag, nullptr);
  const auto& histogram = lag->metric.at(0).histogram;
  ASSERT_EQ(histogram.bucket.size(), 13U);
  EXPECT_EQ(histogram.bucket[0].cumulative_count, 900U);
  EXPECT_EQ(histogram.bucket[1].cumulative_count, 910U);
  EXPECT_EQ(histogram.bucket[12].cumulative_count, 975U);
  EXPECT_EQ(histogram.sample_count, 976U);
  EXPECT_DOUBLE_EQ(histogram.sample_sum, 22.5);
}

TEST(PrometheusBridge, StallSeriesExistAtZeroForCpuInEveryPhaseThatCanStall) {
  Snapshot snapshot = test::sample_snapshot();
  snapshot.loops.erase(snapshot.loops.begin());
  const Families families = loop_families(snapshot);
  for (const MetricId id : {MetricId::kStalls, MetricId::kStallTime}) {
    const auto* family = find(families, id);
    ASSERT_NE(family, nullptr);
    std::set<std::string> phases;
    for (const auto& series : family->metric) {
      EXPECT_EQ(label(series, "cause"), "cpu");
      EXPECT_EQ(series.counter.value, 0);
      phases.insert(label(series, "phase"));
    }
    EXPECT_EQ(phases, (std::set<std::string>{"timers", "pending", "idle_prepare", "poll", "check",
                                             "closing", "unknown"}));
  }
}

TEST(PrometheusBridge, StackCapturesAreCountedByResult) {
  Snapshot snapshot;
  snapshot.stack_captures =
      StackCaptureSnapshot{{{"named", 3}, {"a\x01", 1}, {"a\x02", 1}}, {{.001}, {2, 1}, .0035, 3}};
  const Families families = scrape_families(snapshot, {});
  expect_unique_series(families);
  const auto* captures = find(families, MetricId::kStackCaptures);
  ASSERT_NE(captures, nullptr);
  ASSERT_EQ(captures->metric.size(), 2U);
  EXPECT_EQ(captures->metric[0].counter.value, 2);
  EXPECT_EQ(label(captures->metric[1], "result"), "named");
  EXPECT_EQ(captures->metric[1].counter.value, 3);
  const auto* stops = find(families, MetricId::kStackStops);
  ASSERT_NE(stops, nullptr);
  EXPECT_EQ(stops->metric.at(0).histogram.sample_count, 3U);
  EXPECT_DOUBLE_EQ(stops->metric.at(0).histogram.sample_sum, .0035);
}

TEST(PrometheusBridge, EveryPhaseIsShown) {
  const Families families = loop_families(test::sample_snapshot());
  const auto* family = find(families, MetricId::kPhaseTime);
  ASSERT_NE(family, nullptr);
  EXPECT_EQ(family->metric.size(), 2 * kPhaseCount);
}

TEST(PrometheusBridge, EqualLabelsAreShownOnce) {
  Snapshot snapshot = test::sample_snapshot();
  snapshot.loops.push_back(snapshot.loops[0]);
  snapshot.listeners.push_back(snapshot.listeners[0]);
  snapshot.namespaces.push_back(snapshot.namespaces[0]);
  snapshot.sources.push_back({"uv_stack", false, "second of its name", Nanos{1}});
  const Families families = scrape_families(snapshot, {});
  expect_unique_series(families);
  const auto* success = find(families, MetricId::kSourceSuccess);
  ASSERT_NE(success, nullptr);
  for (const auto& series : success->metric) EXPECT_EQ(series.gauge.value, 0);
}

TEST(PrometheusBridge, SourceIsPermittedUnlessAllThatFailedIsNot) {
  const auto permitted = [](std::vector<SourceSnapshot> sources) {
    Snapshot snapshot;
    for (SourceSnapshot& source : sources) source.source = "uv_stack";
    snapshot.sources = std::move(sources);
    const auto families = scrape_families(snapshot, {});
    const auto* family = find(families, MetricId::kSourcePermitted);
    return family != nullptr && family->metric.size() == 1 && family->metric[0].gauge.value == 1;
  };
  const SourceSnapshot works;
  const SourceSnapshot fails{.source = {}, .success = false, .reason = {}, .duration = {}};
  SourceSnapshot is_ruled_out = fails;
  is_ruled_out.permitted = false;
  EXPECT_TRUE(permitted({works}));
  EXPECT_TRUE(permitted({fails}));
  EXPECT_FALSE(permitted({is_ruled_out}));
  EXPECT_FALSE(permitted({works, is_ruled_out}));
  EXPECT_TRUE(permitted({is_ruled_out, fails}));
  EXPECT_TRUE(permitted({fails, is_ruled_out}));
}

TEST(PrometheusBridge, CulpritsThatLookAlikeAreOneSeries) {
  Snapshot snapshot;
  snapshot.loops.push_back(test::busy_loop(1, "main"));
  const std::string ending(1000, 'f');
  snapshot.loops[0].stats.culprits = {{"a" + ending, "x.js", 1, "", std::chrono::seconds(1)},
                                      {"b" + ending, "x.js", 1, "", std::chrono::seconds(2)},
                                      {"g", "x.js", -5, "", std::chrono::seconds(4)}};
  const Families families = loop_families(snapshot);
  expect_unique_series(families);
  const auto* family = find(families, MetricId::kStallCulpritTime);
  ASSERT_NE(family, nullptr);
  ASSERT_EQ(family->metric.size(), 2U);
  double sum = 0;
  for (const auto& series : family->metric) sum += series.counter.value;
  EXPECT_DOUBLE_EQ(sum, 7);
}

/// A server as most are: one listener, and stalls in one way.
Snapshot server(bool has_stalled) {
  Snapshot snapshot;
  LoopSnapshot& loop = snapshot.loops.emplace_back();
  loop.labels = {"shop", 42, "main", {}};
  loop.info = {"node", "22.1.0", "uv_stack", ""};
  loop.stats.lag.bounds = {.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10};
  loop.stats.lag.counts.resize(14);
  loop.stats.stall_duration = loop.stats.lag;
  loop.stats.iterations = 7;
  loop.stats.blocked = Nanos(0);
  loop.stats.lag_max_1m = Nanos(0);
  for (const Phase phase : {Phase::kTimers, Phase::kPollWait, Phase::kPoll, Phase::kUnknown}) {
    loop.stats.phase_time[static_cast<std::size_t>(phase)] = Nanos(1);
  }
  if (has_stalled) {
    loop.stats.stalls[static_cast<std::size_t>(Phase::kPoll)]
                     [static_cast<std::size_t>(Cause::kCpu)] = {2, Nanos(1)};
    loop.stats.culprits = {{"a", "a.js", 1, "", Nanos(1)}, {"b", "a.js", 9, "", Nanos(1)}};
  }
  snapshot.listeners.push_back({loop.labels, "127.0.0.1:3000", 0, 511, 0, 0, 0, 1, Nanos(0)});
  snapshot.processes.push_back({loop.labels, "node", "22.1.0", "/opt/node/bin/node"});
  snapshot.namespaces.push_back({loop.labels, 0, 0});
  return snapshot;
}

/// As Prometheus counts: a histogram is a series for each bucket, its sum and its count.
std::size_t count_series(const Families& families) {
  std::size_t count = 0;
  for (const auto& family : families) {
    if (!family.name.starts_with("eventloop_")) continue;
    for (const auto& series : family.metric) {
      const bool is_histogram = family.type == prometheus::MetricType::Histogram;
      count += is_histogram ? series.histogram.bucket.size() + 3 : 1;
    }
  }
  return count;
}

// docs/metrics.md says so.
TEST(PrometheusBridge, ALoopHasAtMost45SeriesUnlessAllAreAskedFor) {
  SeriesOptions full;
  full.all = true;
  EXPECT_EQ(count_series(scrape_families(server(false), {})), 43U);
  EXPECT_EQ(count_series(scrape_families(server(true), {})), 45U);
  EXPECT_EQ(count_series(scrape_families(server(false), {}, full)), 71U);
}

TEST(PrometheusBridge, FewBucketsHoldTheSameStalls) {
  Snapshot snapshot = server(true);
  snapshot.loops[0].stats.stall_duration.counts = {0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
  snapshot.loops[0].stats.stall_duration.sum = 60;
  const Families families = scrape_families(snapshot, {});
  const auto& histogram = find(families, MetricId::kStallDuration)->metric.at(0).histogram;
  std::vector<std::pair<double, std::uint64_t>> buckets;
  for (const auto& bucket : histogram.bucket) {
    buckets.emplace_back(bucket.upper_bound, bucket.cumulative_count);
  }
  EXPECT_EQ(buckets, (std::vector<std::pair<double, std::uint64_t>>{{.25, 6}, {1, 15}}));
  EXPECT_EQ(histogram.sample_count, 45U);
  EXPECT_EQ(histogram.sample_sum, 60);
}

TEST(PrometheusBridge, ASeriesGoesOnWhereItsPredecessorEnded) {
  Snapshot snapshot = server(true);
  LoopStatsSnapshot before = snapshot.loops[0].stats;
  before.culprits = {{"a", "a.js", 1, "", std::chrono::seconds(3)}};
  before.blocked = std::chrono::hours(1);
  snapshot.loops[0].before = std::make_shared<const LoopStatsSnapshot>(before);
  const Families families = scrape_families(snapshot, {});
  EXPECT_EQ(find(families, MetricId::kStalls)->metric.at(0).counter.value, 4);
  EXPECT_EQ(find(families, MetricId::kIterations)->metric.at(0).counter.value, 14);
  const auto& culprit = find(families, MetricId::kStallCulpritTime)->metric.at(0);
  EXPECT_EQ(label(culprit, "function"), "a");
  EXPECT_NEAR(culprit.counter.value, 3, 1e-6);
  EXPECT_EQ(find(families, MetricId::kBlocked)->metric.at(0).gauge.value, 0);
}

TEST(PrometheusBridge, SlotsTellProcessesOfOneNameApart) {
  Snapshot snapshot;
  for (const int slot : {0, 1}) {
    LoopSnapshot& loop = snapshot.loops.emplace_back(test::busy_loop(40 + slot, "main"));
    loop.labels.slot = slot;
    snapshot.processes.push_back({loop.labels, "node", "22.1.0", "/opt/node/bin/node"});
  }
  const Families families = scrape_families(snapshot, {});
  expect_unique_series(families);
  const auto* blocked = find(families, MetricId::kBlocked);
  ASSERT_NE(blocked, nullptr);
  ASSERT_EQ(blocked->metric.size(), 2U);
  EXPECT_EQ(label(blocked->metric[1], "process"), "shop");
  EXPECT_EQ(label(blocked->metric[1], "slot"), "1");
  EXPECT_EQ(label(blocked->metric[1], "pid"), "(absent)");

  const auto* info = find(families, MetricId::kProcessInfo);
  ASSERT_NE(info, nullptr);
  ASSERT_EQ(info->metric.size(), 2U);
  const auto& series = info->metric[1];
  EXPECT_EQ(label(series, "process"), "shop");
  EXPECT_EQ(label(series, "slot"), "1");
  EXPECT_EQ(label(series, "pid"), "41");
  EXPECT_EQ(label(series, "runtime"), "node");
  EXPECT_EQ(label(series, "runtime_version"), "22.1.0");
  EXPECT_EQ(label(series, "executable"), "/opt/node/bin/node");
  EXPECT_EQ(label(series, "loop"), "(absent)");
}

TEST(PrometheusBridge, PidIsOneMoreLabelForWhoeverAsks) {
  SeriesOptions options;
  options.pid_label = true;
  const Families families = scrape_families(test::sample_snapshot(), {}, options);
  expect_unique_series(families);
  const auto* blocked = find(families, MetricId::kBlocked);
  ASSERT_NE(blocked, nullptr);
  EXPECT_EQ(label(blocked->metric[0], "pid"), "42");
  EXPECT_EQ(label(blocked->metric[0], "slot"), "0");
}

TEST(PrometheusBridge, UnusableConfiguredLabelsAreDropped) {
  Snapshot snapshot;
  snapshot.loops.push_back(test::busy_loop(1, "main"));
  snapshot.loops[0].labels.extra = {{"team", "a"},    {"team", "b"},  {"slot", "9"},
                                    {"version", "2"}, {"phase", "x"}, {"bad name", "x"},
                                    {"__x", "y"}};
  const Families families = loop_families(snapshot);
  expect_unique_series(families);
  for (const auto& family : families) {
    for (const auto& series : family.metric) {
      EXPECT_EQ(label(series, "team"), "a");
      EXPECT_EQ(label(series, "slot"), "0");
      // Only loopscope_build_info has it, which carries no labels of targets.
      EXPECT_EQ(label(series, "version"), "2");
    }
  }
}

TEST(PrometheusBridge, HistogramWithMissingCountsIsNoCrash) {
  Snapshot snapshot;
  snapshot.loops.push_back(test::busy_loop(1, "main"));
  snapshot.loops[0].stats.lag = {{.1, 1}, {3}, 1, 3};
  snapshot.loops[0].stats.stall_duration = {};
  const Families families = loop_families(snapshot);
  EXPECT_EQ(find(families, MetricId::kLag)->metric[0].histogram.sample_count, 3U);
}

TEST(Collectable, ShowsTheLoopsAndNothingOfLoopscopeItself) {
  test::FixedProvider provider;
  const Families families = Collectable(provider).Collect();
  EXPECT_FALSE(families.empty());
  for (const auto& family : families) EXPECT_TRUE(family.name.starts_with("eventloop_"));
}

TEST(Collectable, SurvivesAProviderThatThrows) {
  test::ThrowingProvider provider;
  EXPECT_TRUE(Collectable(provider).Collect().empty());
}

TEST(ProcessStats, ReadsThisProcess) {
  const ProcessStats stats = read_process_stats();
  EXPECT_GE(stats.cpu_seconds.value_or(-1), 0);
  EXPECT_GT(stats.resident_bytes.value_or(0), 1e5);
  EXPECT_GE(stats.virtual_bytes.value_or(0), stats.resident_bytes.value_or(0));
  EXPECT_GE(stats.open_fds.value_or(0), 3);
  const auto now =
      std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  EXPECT_NEAR(stats.start_time_seconds.value_or(0), now, 3600);
}

}  // namespace
}  // namespace loopscope
