#include "export/prometheus_bridge.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <utility>

#include "base/duration.h"
#include "base/version.h"
#include "export/family_builder.h"
#include "export/label_text.h"

namespace loopscope {
namespace {

constexpr std::string_view kWindow = "1m";

// Phases in which callbacks run: all that can stall, whether known or not.
constexpr std::array kStallPhases = {Phase::kTimers, Phase::kPending, Phase::kIdlePrepare,
                                     Phase::kPoll,   Phase::kCheck,   Phase::kClosing,
                                     Phase::kUnknown};

double number(std::uint64_t value) { return static_cast<double>(value); }

FamilyBuilder::Labels loop_labels(const LoopLabels& labels) {
  FamilyBuilder::Labels out;
  out.reserve(kLoopLabelNames.size() + labels.extra.size());
  const std::array values = {label_value(labels.process), std::to_string(labels.pid),
                             label_value(labels.loop)};
  for (std::size_t i = 0; i < values.size(); ++i) {
    out.push_back({std::string(kLoopLabelNames[i]), values[i]});
  }
  for (const auto& [name, value] : labels.extra) {
    const bool taken =
        std::ranges::find(out, name, &prometheus::ClientMetric::Label::name) != out.end();
    if (!taken && is_free_label_name(name)) out.push_back({name, label_value(value)});
  }
  return out;
}

void add_stalls(FamilyBuilder& out, const FamilyBuilder::Labels& base,
                const LoopStatsSnapshot& stats) {
  for (std::size_t p = 0; p < kPhaseCount; ++p) {
    const auto phase = static_cast<Phase>(p);
    const bool can_stall = std::ranges::find(kStallPhases, phase) != kStallPhases.end();
    for (std::size_t c = 0; c < kCauseCount; ++c) {
      const StallTotals& totals = stats.stalls[p][c];
      // increase() does not see the first event of a series that begins with it.
      const bool from_the_start = can_stall && static_cast<Cause>(c) == Cause::kCpu;
      if (totals.count == 0 && totals.time.count() == 0 && !from_the_start) continue;
      out.counter(MetricId::kStalls, base, number(totals.count), {kPhaseNames[p], kCauseNames[c]});
      out.counter(MetricId::kStallTime, base, in_seconds(totals.time),
                  {kPhaseNames[p], kCauseNames[c]});
    }
  }
}

void add_culprits(FamilyBuilder& out, const FamilyBuilder::Labels& base,
                  const std::vector<CulpritTotals>& culprits) {
  // Names that differ only in what label_value() takes away are one series.
  std::map<std::tuple<std::string, std::string, int>, Nanos> merged;
  for (const CulpritTotals& culprit : culprits) {
    merged[{label_value(culprit.function), label_value(culprit.file), culprit.line}] +=
        culprit.time;
  }
  for (const auto& [key, time] : merged) {
    const auto& [function, file, line] = key;
    out.counter(MetricId::kStallCulpritTime, base, in_seconds(time),
                {function, file, line > 0 ? std::to_string(line) : ""});
  }
}

void add_loop(FamilyBuilder& out, const FamilyBuilder::Labels& base, const LoopSnapshot& loop) {
  const LoopStatsSnapshot& stats = loop.stats;
  out.gauge(MetricId::kInfo, base, 1,
            {label_value(loop.info.runtime), label_value(loop.info.runtime_version),
             label_value(loop.info.source)});
  out.histogram(MetricId::kLag, base, stats.lag);
  out.gauge(MetricId::kLagMax, base, in_seconds(stats.lag_max_1m), {kWindow});
  out.gauge(MetricId::kBlocked, base, in_seconds(stats.blocked));
  out.counter(MetricId::kTime, base, in_seconds(stats.active_time), {"active"});
  out.counter(MetricId::kTime, base, in_seconds(stats.idle_time), {"idle"});
  for (std::size_t p = 0; p < kPhaseCount; ++p) {
    out.counter(MetricId::kPhaseTime, base, in_seconds(stats.phase_time[p]), {kPhaseNames[p]});
  }
  if (stats.iterations) out.counter(MetricId::kIterations, base, number(*stats.iterations));
  if (stats.iteration_duration) {
    out.histogram(MetricId::kIterationDuration, base, *stats.iteration_duration);
  }
  add_stalls(out, base, stats);
  out.histogram(MetricId::kStallDuration, base, stats.stall_duration);
  add_culprits(out, base, stats.culprits);
  out.gauge(MetricId::kTimerLateness, base, in_seconds(stats.timer_lateness));
}

void add_listener(FamilyBuilder& out, const FamilyBuilder::Labels& base,
                  const ListenerSnapshot& listener) {
  const std::string name = label_value(listener.listener);
  out.gauge(MetricId::kBacklog, base, number(listener.depth), {name});
  out.gauge(MetricId::kBacklogLimit, base, number(listener.limit), {name});
  out.gauge(MetricId::kBacklogMax, base, number(listener.max_1m), {name, kWindow});
  if (listener.syn_received) {
    out.gauge(MetricId::kBacklogSynReceived, base, number(*listener.syn_received), {name});
  }
  if (listener.unread) out.gauge(MetricId::kUnread, base, number(*listener.unread), {name});
}

void add_loop_metrics(FamilyBuilder& out, const Snapshot& snapshot, CompatibleNames names) {
  // One repeated series makes the scraper drop or refuse the scrape.
  std::set<FamilyBuilder::Labels> loops;
  for (const LoopSnapshot& loop : snapshot.loops) {
    const auto [base, fresh] = loops.insert(loop_labels(loop.labels));
    if (!fresh) continue;
    add_loop(out, *base, loop);
    add_compatible_metrics(out, *base, loop, names);
  }
  std::set<std::pair<FamilyBuilder::Labels, std::string>> listeners;
  for (const ListenerSnapshot& listener : snapshot.listeners) {
    const auto [key, fresh] =
        listeners.emplace(loop_labels(listener.labels), label_value(listener.listener));
    if (fresh) add_listener(out, key->first, listener);
  }
  std::set<FamilyBuilder::Labels> namespaces;
  for (const NetnsSnapshot& netns : snapshot.namespaces) {
    const auto [base, fresh] = namespaces.insert(loop_labels(netns.labels));
    if (!fresh) continue;
    out.counter(MetricId::kListenOverflows, *base, number(netns.listen_overflows));
    out.counter(MetricId::kListenDrops, *base, number(netns.listen_drops));
  }
}

void add_stack_captures(FamilyBuilder& out, const StackCaptureSnapshot& captures) {
  std::map<std::string, std::uint64_t> by_result;
  for (const auto& [result, count] : captures.by_result) by_result[label_value(result)] += count;
  for (const auto& [result, count] : by_result) {
    out.counter(MetricId::kStackCaptures, {}, number(count), {result});
  }
  out.histogram(MetricId::kStackStops, {}, captures.stops);
}

void add_self_metrics(FamilyBuilder& out, const Snapshot& snapshot, const ProcessStats& process) {
  out.gauge(MetricId::kBuildInfo, {}, 1, {kVersion});
  std::map<std::string, std::pair<bool, Nanos>> sources;
  for (const SourceSnapshot& source : snapshot.sources) {
    auto& [success, duration] =
        sources.try_emplace(label_value(source.source), true, Nanos{0}).first->second;
    success = success && source.success;
    duration += source.duration;
  }
  for (const auto& [name, state] : sources) {
    out.gauge(MetricId::kSourceSuccess, {}, state.first ? 1 : 0, {name});
    out.gauge(MetricId::kSourceDuration, {}, in_seconds(state.second), {name});
  }
  out.gauge(MetricId::kTargets, {}, number(snapshot.targets));
  out.counter(MetricId::kSamplerLate, {}, in_seconds(snapshot.sampler_late));
  if (snapshot.stack_captures) add_stack_captures(out, *snapshot.stack_captures);
  if (process.cpu_seconds) out.counter(MetricId::kProcessCpu, {}, *process.cpu_seconds);
  const std::array<std::pair<MetricId, std::optional<double>>, 5> gauges = {
      {{MetricId::kProcessResidentMemory, process.resident_bytes},
       {MetricId::kProcessVirtualMemory, process.virtual_bytes},
       {MetricId::kProcessOpenFds, process.open_fds},
       {MetricId::kProcessMaxFds, process.max_fds},
       {MetricId::kProcessStartTime, process.start_time_seconds}}};
  for (const auto& [id, value] : gauges) {
    if (value) out.gauge(id, {}, *value);
  }
}

}  // namespace

std::vector<prometheus::MetricFamily> loop_families(const Snapshot& snapshot) {
  FamilyBuilder builder;
  add_loop_metrics(builder, snapshot, {});
  return std::move(builder).take();
}

std::vector<prometheus::MetricFamily> scrape_families(const Snapshot& snapshot,
                                                      const ProcessStats& process,
                                                      CompatibleNames names) {
  FamilyBuilder builder;
  add_loop_metrics(builder, snapshot, names);
  add_self_metrics(builder, snapshot, process);
  return std::move(builder).take();
}

}  // namespace loopscope
