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
#include "core/loop_totals.h"
#include "export/family_builder.h"
#include "export/label_text.h"

namespace loopscope {
namespace {

constexpr std::string_view kWindow = "1m";

// Phases in which callbacks run: all that can stall, whether known or not.
constexpr std::array kStallPhases = {Phase::kTimers, Phase::kPending, Phase::kIdlePrepare,
                                     Phase::kPoll,   Phase::kCheck,   Phase::kClosing,
                                     Phase::kUnknown};

// Of the lengths of stalls, these bounds are shown unless all are asked for: below the usual
// threshold there are none, and one decade in three is what anybody has looked at.
constexpr std::array kStallBounds = {.25, 1.0};

double number(std::uint64_t value) { return static_cast<double>(value); }

enum class Whose { kProcess, kLoop };

FamilyBuilder::Labels labels_of(const LoopLabels& labels, Whose whose, bool pid_label) {
  FamilyBuilder::Labels out;
  out.reserve(kLoopLabelNames.size() + 1 + labels.extra.size());
  out.push_back({std::string(kLoopLabelNames[0]), label_value(labels.process)});
  out.push_back({std::string(kLoopLabelNames[1]), std::to_string(labels.slot)});
  if (whose == Whose::kLoop) {
    if (pid_label) out.push_back({std::string(kPidLabelName), std::to_string(labels.pid)});
    out.push_back({std::string(kLoopLabelNames[2]), label_value(labels.loop)});
  }
  for (const auto& [name, value] : labels.extra) {
    const bool taken =
        std::ranges::find(out, name, &prometheus::ClientMetric::Label::name) != out.end();
    if (!taken && is_free_label_name(name)) out.push_back({name, label_value(value)});
  }
  return out;
}

void add_stalls(FamilyBuilder& out, const FamilyBuilder::Labels& base,
                const LoopStatsSnapshot& stats, bool all) {
  for (std::size_t p = 0; p < kPhaseCount; ++p) {
    const auto phase = static_cast<Phase>(p);
    const bool can_stall = std::ranges::find(kStallPhases, phase) != kStallPhases.end();
    for (std::size_t c = 0; c < kCauseCount; ++c) {
      const StallTotals& totals = stats.stalls[p][c];
      // increase() does not see the first event of a series that begins with it. The usual kind
      // is there from the start, the others if all are asked for; else see NewbornCounters.
      const bool is_usual = phase == Phase::kPoll || (all && can_stall);
      const bool from_the_start = is_usual && static_cast<Cause>(c) == Cause::kCpu;
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
  std::map<std::tuple<std::string, std::string, int, std::string>, Nanos> merged;
  for (const CulpritTotals& culprit : culprits) {
    merged[{label_value(culprit.function), label_value(culprit.file), culprit.line,
            label_value(culprit.package)}] += culprit.time;
  }
  for (const auto& [key, time] : merged) {
    const auto& [function, file, line, package] = key;
    out.counter(MetricId::kStallCulpritTime, base, in_seconds(time),
                {function, file, line > 0 ? std::to_string(line) : "", package});
  }
}

/// A series goes on from where the loop that had its labels before ended.
LoopStatsSnapshot totals_of(const LoopSnapshot& loop) {
  LoopStatsSnapshot stats = loop.stats;
  if (loop.before) add_totals(stats, *loop.before);
  return stats;
}

/// The same observations in the buckets of kStallBounds, if it has those.
HistogramSnapshot with_few_buckets(const HistogramSnapshot& all) {
  const bool has_them = std::ranges::includes(all.bounds, kStallBounds);
  if (!has_them || all.counts.size() != all.bounds.size() + 1) return all;
  HistogramSnapshot few{.bounds = {kStallBounds.begin(), kStallBounds.end()},
                        .counts = std::vector<std::uint64_t>(kStallBounds.size() + 1),
                        .sum = all.sum,
                        .count = all.count};
  std::size_t to = 0;
  for (std::size_t from = 0; from < all.counts.size(); ++from) {
    while (to < few.bounds.size() &&
           (from >= all.bounds.size() || all.bounds[from] > few.bounds[to])) {
      ++to;
    }
    few.counts[to] += all.counts[from];
  }
  return few;
}

void add_loop(FamilyBuilder& out, const FamilyBuilder::Labels& base, const LoopSnapshot& loop,
              bool all) {
  const LoopStatsSnapshot stats = totals_of(loop);
  out.gauge(MetricId::kInfo, base, 1,
            {label_value(loop.info.runtime), label_value(loop.info.runtime_version),
             label_value(loop.info.source)});
  out.histogram(MetricId::kLag, base, stats.lag);
  if (stats.lag_max_1m)
    out.gauge(MetricId::kLagMax, base, in_seconds(*stats.lag_max_1m), {kWindow});
  if (stats.blocked) out.gauge(MetricId::kBlocked, base, in_seconds(*stats.blocked));
  out.counter(MetricId::kTime, base, in_seconds(stats.active_time), {"active"});
  out.counter(MetricId::kTime, base, in_seconds(stats.idle_time), {"idle"});
  for (std::size_t p = 0; p < kPhaseCount; ++p) {
    if (!all && stats.phase_time[p] == Nanos(0)) continue;
    out.counter(MetricId::kPhaseTime, base, in_seconds(stats.phase_time[p]), {kPhaseNames[p]});
  }
  if (stats.iterations) out.counter(MetricId::kIterations, base, number(*stats.iterations));
  if (stats.iteration_duration) {
    out.histogram(MetricId::kIterationDuration, base, *stats.iteration_duration);
  }
  add_stalls(out, base, stats, all);
  out.histogram(MetricId::kStallDuration, base,
                all ? stats.stall_duration : with_few_buckets(stats.stall_duration));
  add_culprits(out, base, stats.culprits);
  out.gauge(MetricId::kTimerLateness, base, in_seconds(stats.timer_lateness));
}

void add_listener(FamilyBuilder& out, const FamilyBuilder::Labels& base,
                  const ListenerSnapshot& listener, bool all) {
  const std::string name = label_value(listener.listener);
  out.gauge(MetricId::kBacklog, base, number(listener.depth), {name});
  out.gauge(MetricId::kBacklogLimit, base, number(listener.limit), {name});
  out.gauge(MetricId::kBacklogMax, base, number(listener.max_1m), {name, kWindow});
  if (all || listener.owners > 1) {
    out.gauge(MetricId::kBacklogOwners, base, number(listener.owners), {name});
  }
  if (listener.drain) {
    out.gauge(MetricId::kBacklogDrain, base, in_seconds(*listener.drain), {name});
  }
  if (listener.syn_received) {
    out.gauge(MetricId::kBacklogSynReceived, base, number(*listener.syn_received), {name});
  }
  if (listener.unread) out.gauge(MetricId::kUnread, base, number(*listener.unread), {name});
}

void add_processes(FamilyBuilder& out, const Snapshot& snapshot) {
  std::set<FamilyBuilder::Labels> processes;
  for (const ProcessSnapshot& process : snapshot.processes) {
    const auto [base, fresh] = processes.insert(labels_of(process.labels, Whose::kProcess, false));
    if (!fresh) continue;
    out.gauge(MetricId::kProcessInfo, *base, 1,
              {std::to_string(process.labels.pid), label_value(process.runtime),
               label_value(process.runtime_version), label_value(process.executable)});
  }
}

void add_loop_metrics(FamilyBuilder& out, const Snapshot& snapshot, const SeriesOptions& options) {
  const auto loop_labels = [&options](const LoopLabels& labels) {
    return labels_of(labels, Whose::kLoop, options.pid_label);
  };
  // One repeated series makes the scraper drop or refuse the scrape.
  std::set<FamilyBuilder::Labels> loops;
  for (const LoopSnapshot& loop : snapshot.loops) {
    const auto [base, fresh] = loops.insert(loop_labels(loop.labels));
    if (!fresh) continue;
    add_loop(out, *base, loop, options.all);
    add_compatible_metrics(out, *base, loop, options.names);
  }
  std::set<std::pair<FamilyBuilder::Labels, std::string>> listeners;
  for (const ListenerSnapshot& listener : snapshot.listeners) {
    const auto [key, fresh] =
        listeners.emplace(loop_labels(listener.labels), label_value(listener.listener));
    if (fresh) add_listener(out, key->first, listener, options.all);
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
  std::map<std::string, SourceSnapshot> sources;
  for (const SourceSnapshot& source : snapshot.sources) {
    SourceSnapshot& sum = sources[label_value(source.source)];
    // One that is permitted and fails outweighs those that are not.
    if (!source.success) sum.permitted = source.permitted || (!sum.success && sum.permitted);
    sum.success = sum.success && source.success;
    sum.duration += source.duration;
  }
  for (const auto& [name, source] : sources) {
    out.gauge(MetricId::kSourceSuccess, {}, source.success ? 1 : 0, {name});
    out.gauge(MetricId::kSourcePermitted, {}, source.permitted ? 1 : 0, {name});
    out.gauge(MetricId::kSourceDuration, {}, in_seconds(source.duration), {name});
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
  SeriesOptions options;
  options.all = true;
  add_loop_metrics(builder, snapshot, options);
  return std::move(builder).take();
}

std::vector<prometheus::MetricFamily> scrape_families(const Snapshot& snapshot,
                                                      const ProcessStats& process,
                                                      const SeriesOptions& options) {
  FamilyBuilder builder;
  add_processes(builder, snapshot);
  add_loop_metrics(builder, snapshot, options);
  add_self_metrics(builder, snapshot, process);
  return std::move(builder).take();
}

}  // namespace loopscope
