#include "apps/loopscope/top/top_rows.h"

#include <algorithm>
#include <numeric>
#include <optional>
#include <string_view>

#include "base/duration.h"

namespace loopscope {
namespace {

using namespace std::chrono_literals;

/// Of the counters remembered; a second is fine enough for a window of a minute.
constexpr Nanos kMarkSpacing = 1s;

/// The 99th percentile of `counts` in buckets up to `bounds`, as Prometheus'
/// histogram_quantile() has it, but never above `max`, which is exact.
std::optional<Nanos> p99_of(const std::vector<std::uint64_t>& counts,
                            const std::vector<double>& bounds, Nanos max) {
  const std::uint64_t total = std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
  if (total == 0) return std::nullopt;
  const double rank = 0.99 * static_cast<double>(total);
  double below = 0;
  for (std::size_t i = 0; i < counts.size() && i < bounds.size(); ++i) {
    const auto here = static_cast<double>(counts[i]);
    if (below + here >= rank && here > 0) {
      const double from = i == 0 ? 0 : bounds[i - 1];
      return std::min(max, from_seconds(from + (bounds[i] - from) * (rank - below) / here));
    }
    below += here;
  }
  return max;
}

/// Which of two queues is fuller, by share of its limit.
bool is_fuller(const TopBacklog& a, const TopBacklog& b) {
  return static_cast<double>(a.depth) * static_cast<double>(b.limit) >
         static_cast<double>(b.depth) * static_cast<double>(a.limit);
}

/// By pid.
std::map<int, TopBacklog> fullest_backlogs(const Snapshot& snapshot) {
  std::map<int, TopBacklog> fullest;
  for (const ListenerSnapshot& listener : snapshot.listeners) {
    const TopBacklog backlog{.depth = listener.depth, .limit = listener.limit};
    const auto [known, is_new] = fullest.emplace(listener.labels.pid, backlog);
    if (!is_new && is_fuller(backlog, known->second)) known->second = backlog;
  }
  return fullest;
}

void fill_stall(TopRow& row, const StallRecord& stall) {
  row.function = stall.function;
  row.file = stall.file;
  row.line = stall.line;
  row.generated_line = stall.generated_line;
  row.why = stall.detail.empty() ? std::string(to_string(stall.phase)) + " (" +
                                       std::string(to_string(stall.cause)) + ")"
                                 : stall.detail;
}

}  // namespace

std::vector<TopRow> TopRows::update(const Snapshot& snapshot,
                                    const std::vector<StallRecord>& stalls, Nanos now) {
  std::map<LoopKey, const StallRecord*> last_stalls;
  for (const StallRecord& stall : stalls) {
    last_stalls.emplace(LoopKey(stall.pid, stall.loop), &stall);  // the first is the newest
  }
  const std::map<int, TopBacklog> backlogs = fullest_backlogs(snapshot);

  std::vector<TopRow> rows;
  std::map<LoopKey, History> histories;
  for (const LoopSnapshot& loop : snapshot.loops) {
    TopRow& row = rows.emplace_back();
    row.process = loop.labels.process;
    row.pid = loop.labels.pid;
    row.slot = loop.labels.slot;
    row.loop = loop.labels.loop;
    row.lag_max = loop.stats.lag_max_1m;
    row.blocked = loop.stats.blocked;
    row.stall_threshold = loop.stats.stall_threshold;

    const LoopKey key(row.pid, row.loop);
    const auto known = histories_.find(key);
    History& history = histories[key];
    if (known != histories_.end()) history = std::move(known->second);
    fill_interval(row, loop.stats, history);
    fill_window(row, loop.stats, history, now);

    // The kernel knows which process listens, not which of its loops.
    const auto backlog = backlogs.find(row.pid);
    if (row.loop == "main" && backlog != backlogs.end()) row.backlog = backlog->second;
    const auto stall = last_stalls.find(key);
    if (stall != last_stalls.end() && stall->second->process == row.process) {
      fill_stall(row, *stall->second);
    }
  }
  histories_ = std::move(histories);  // loops that have ended are forgotten
  return rows;
}

void TopRows::fill_interval(TopRow& row, const LoopStatsSnapshot& stats, History& history) {
  // Less than before: another process has been given the pid.
  if (stats.active_time + stats.idle_time < history.active + history.idle) history = {};
  Nanos total{0};
  std::array<Nanos, kPhaseCount> grown{};
  for (std::size_t phase = 0; phase < kPhaseCount; ++phase) {
    grown[phase] = std::max(Nanos(0), stats.phase_time[phase] - history.phase_time[phase]);
    total += grown[phase];
  }
  for (std::size_t phase = 0; phase < kPhaseCount && total > Nanos(0); ++phase) {
    row.phase_shares[phase] =
        static_cast<double>(grown[phase].count()) / static_cast<double>(total.count());
  }
  const Nanos active = stats.active_time - history.active;
  const Nanos idle = stats.idle_time - history.idle;
  if (active + idle > Nanos(0)) {
    const double share =
        static_cast<double>(active.count()) / static_cast<double>((active + idle).count());
    row.utilization = std::clamp(share, 0.0, 1.0);
  }
  history.phase_time = stats.phase_time;
  history.active = stats.active_time;
  history.idle = stats.idle_time;
}

void TopRows::fill_window(TopRow& row, const LoopStatsSnapshot& stats, History& history,
                          Nanos now) {
  const Mark current{.at = now, .lag_counts = stats.lag.counts, .stalls = all_stalls(stats).count};
  std::deque<Mark>& marks = history.marks;
  // It was all 0 when the loop was found.
  if (marks.empty()) {
    marks.push_back({.at = now, .lag_counts = {}, .stalls = 0});
    marks.back().lag_counts.resize(current.lag_counts.size());
  }
  while (marks.size() > 1 && marks[1].at <= now - kWindow) marks.pop_front();
  const Mark& base = marks.front();
  std::vector<std::uint64_t> grown(current.lag_counts.size());
  for (std::size_t i = 0; i < grown.size() && i < base.lag_counts.size(); ++i) {
    grown[i] = current.lag_counts[i] - std::min(current.lag_counts[i], base.lag_counts[i]);
  }
  row.lag_p99 = p99_of(grown, stats.lag.bounds, stats.lag_max_1m.value_or(Nanos::max()));
  row.stalls = current.stalls - std::min(current.stalls, base.stalls);
  if (now - marks.back().at >= kMarkSpacing) marks.push_back(current);
}

}  // namespace loopscope
