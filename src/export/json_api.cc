#include "export/json_api.h"

#include <array>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/duration.h"

namespace loopscope {
namespace {

using Json = nlohmann::ordered_json;

std::string dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Json text_or_null(const std::string& text) { return text.empty() ? Json() : Json(text); }
Json line_or_null(int line) { return line > 0 ? Json(line) : Json(); }
Json number_or_null(const std::optional<std::uint64_t>& value) {
  return value ? Json(*value) : Json();
}

Json seconds_or_null(const std::optional<Nanos>& value) {
  return value ? Json(in_seconds(*value)) : Json();
}

// RFC 3339 in UTC with milliseconds.
std::string timestamp(std::chrono::system_clock::time_point at) {
  const auto whole = std::chrono::floor<std::chrono::seconds>(at);
  const auto millis = std::chrono::duration_cast<std::chrono::milliseconds>(at - whole).count();
  const std::time_t time = std::chrono::system_clock::to_time_t(whole);
  std::tm parts{};
  gmtime_r(&time, &parts);
  std::array<char, 32> date{};
  std::strftime(date.data(), date.size(), "%Y-%m-%dT%H:%M:%S", &parts);
  std::array<char, 8> fraction{};
  std::snprintf(fraction.data(), fraction.size(), ".%03dZ", static_cast<int>(millis));
  return std::string(date.data()) + fraction.data();
}

Json extra_labels(const std::vector<std::pair<std::string, std::string>>& labels) {
  Json out = Json::object();
  for (const auto& [name, value] : labels) out[name] = value;
  return out;
}

Json labels_json(const LoopLabels& labels) {
  return {{"process", labels.process},
          {"slot", labels.slot},
          {"pid", labels.pid},
          {"loop", labels.loop},
          {"labels", extra_labels(labels.extra)}};
}

Json phase_seconds(const LoopStatsSnapshot& stats) {
  Json out = Json::object();
  for (std::size_t p = 0; p < kPhaseCount; ++p) {
    out[std::string(kPhaseNames[p])] = in_seconds(stats.phase_time[p]);
  }
  return out;
}

// Arrivals, one per millisecond watched; `late` are those in buckets that begin at 100 ms.
Json lag_json(const HistogramSnapshot& lag) {
  constexpr double kLate = 0.1;
  std::uint64_t late = 0;
  for (std::size_t b = 0; b < lag.bounds.size(); ++b) {
    if (lag.bounds[b] >= kLate) late += lag.counts[b + 1];
  }
  return {{"sum_seconds", lag.sum}, {"count", lag.count}, {"over_100ms", late}};
}

Json loop_json(const LoopSnapshot& loop) {
  const LoopStatsSnapshot& stats = loop.stats;
  const StallTotals stalls = all_stalls(stats);
  Json out = labels_json(loop.labels);
  out["runtime"] = text_or_null(loop.info.runtime);
  out["runtime_version"] = text_or_null(loop.info.runtime_version);
  out["source"] = text_or_null(loop.info.source);
  out["note"] = text_or_null(loop.info.note);
  out["phase"] = to_string(stats.current_phase);
  out["blocked_seconds"] = seconds_or_null(stats.blocked);
  out["stall_threshold_seconds"] = in_seconds(stats.stall_threshold);
  out["lag_max_seconds"] = seconds_or_null(stats.lag_max_1m);
  out["lag"] = lag_json(stats.lag);
  out["active_seconds"] = in_seconds(stats.active_time);
  out["idle_seconds"] = in_seconds(stats.idle_time);
  out["phase_seconds"] = phase_seconds(stats);
  out["iterations"] = number_or_null(stats.iterations);
  out["stalls"] = stalls.count;
  out["stall_seconds"] = in_seconds(stalls.time);
  out["timer_lateness_seconds"] = in_seconds(stats.timer_lateness);
  return out;
}

Json listener_json(const ListenerSnapshot& listener) {
  Json out = labels_json(listener.labels);
  out["listener"] = listener.listener;
  out["depth"] = listener.depth;
  out["limit"] = listener.limit;
  out["max"] = listener.max_1m;
  out["owners"] = listener.owners;
  out["drain_seconds"] = listener.drain ? Json(in_seconds(*listener.drain)) : Json();
  out["syn_received"] = number_or_null(listener.syn_received);
  out["unread"] = number_or_null(listener.unread);
  return out;
}

Json frame_json(const StackFrame& frame) {
  return {{"kind", frame.kind},
          {"function", text_or_null(frame.function)},
          {"file", text_or_null(frame.file)},
          {"line", line_or_null(frame.line)},
          {"generated_line", line_or_null(frame.generated_line)},
          {"function_line", line_or_null(frame.function_line)}};
}

Json stall_object(const StallRecord& stall) {
  Json causes = Json::object();
  for (std::size_t c = 0; c < kCauseCount; ++c) {
    causes[std::string(kCauseNames[c])] = in_seconds(stall.causes[c]);
  }
  Json stack = Json::array();
  for (const StackFrame& frame : stall.stack) stack.push_back(frame_json(frame));
  return {{"id", stall.id},
          {"process", stall.process},
          {"slot", stall.slot},
          {"pid", stall.pid},
          {"loop", stall.loop},
          {"labels", extra_labels(stall.labels)},
          {"started_at", timestamp(stall.started_at)},
          {"duration_seconds", in_seconds(stall.duration)},
          {"in_progress", stall.in_progress},
          {"phase", to_string(stall.phase)},
          {"cause", to_string(stall.cause)},
          {"causes", std::move(causes)},
          {"function", text_or_null(stall.function)},
          {"file", text_or_null(stall.file)},
          {"line", line_or_null(stall.line)},
          {"generated_line", line_or_null(stall.generated_line)},
          {"detail", text_or_null(stall.detail)},
          {"stack", std::move(stack)}};
}

}  // namespace

std::string loops_json(const Snapshot& snapshot, std::chrono::system_clock::time_point taken_at) {
  Json loops = Json::array();
  for (const LoopSnapshot& loop : snapshot.loops) loops.push_back(loop_json(loop));
  Json listeners = Json::array();
  for (const ListenerSnapshot& listener : snapshot.listeners) {
    listeners.push_back(listener_json(listener));
  }
  Json sources = Json::array();
  for (const SourceSnapshot& source : snapshot.sources) {
    sources.push_back({{"source", source.source},
                       {"success", source.success},
                       {"reason", text_or_null(source.reason)},
                       {"duration_seconds", in_seconds(source.duration)}});
  }
  return dump({{"time", timestamp(taken_at)},
               {"targets", snapshot.targets},
               {"loops", std::move(loops)},
               {"listeners", std::move(listeners)},
               {"sources", std::move(sources)}});
}

std::string stall_json(const StallRecord& stall) { return dump(stall_object(stall)); }

std::string stalls_json(const std::vector<StallRecord>& stalls) {
  Json out = Json::array();
  for (const StallRecord& stall : stalls) out.push_back(stall_object(stall));
  return dump(out);
}

std::string error_json(std::string_view message) { return dump({{"error", message}}); }

}  // namespace loopscope
