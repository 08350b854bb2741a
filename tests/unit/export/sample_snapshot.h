#pragma once

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "core/snapshot.h"

namespace loopscope::test {

inline std::string fixture(const std::string& name) {
  const auto path = std::filesystem::path(__FILE__).parent_path() / "../../fixtures/export" / name;
  std::ifstream in(path, std::ios::binary);
  if (!in) throw std::runtime_error("cannot read " + path.string());
  return {std::istreambuf_iterator<char>(in), {}};
}

inline HistogramSnapshot lag_histogram() {
  HistogramSnapshot h;
  h.bounds = {.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10};
  h.counts = {900, 10, 5, 4, 3, 2, 1, 50, 0, 0, 0, 0, 0, 1};
  h.count = 976;
  h.sum = 22.5;
  return h;
}

inline LoopSnapshot busy_loop(int pid, std::string loop) {
  using std::chrono::milliseconds;
  LoopSnapshot out;
  out.labels = {"shop", pid, std::move(loop), {{"team", "checkout"}}};
  out.info = {"node", "22.23.3", "uv_stack", ""};
  LoopStatsSnapshot& s = out.stats;
  s.lag = lag_histogram();
  s.lag_max_1m = milliseconds(500);
  s.lag_1m = LagSummary{milliseconds(12), milliseconds(45),  milliseconds(0),
                        milliseconds(5),  milliseconds(200), .07};
  s.blocked = milliseconds(300);
  s.current_phase = Phase::kPoll;
  s.phase_time = {milliseconds(100), milliseconds(20),  milliseconds(3), milliseconds(9000),
                  milliseconds(400), milliseconds(150), milliseconds(0), milliseconds(0)};
  s.active_time = milliseconds(673);
  s.idle_time = milliseconds(9000);
  s.iterations = 12345;
  s.stalls[static_cast<std::size_t>(Phase::kPoll)][static_cast<std::size_t>(Cause::kCpu)] = {
      2, milliseconds(700)};
  s.stalls[static_cast<std::size_t>(Phase::kTimers)][static_cast<std::size_t>(Cause::kBlocked)] = {
      1, milliseconds(1500)};
  s.stall_duration = {{.05, .1, .5, 1}, {0, 0, 2, 0, 1}, 2.2, 3};
  s.culprits = {{"compute", "/srv/app.js", 10, "lodash", milliseconds(700)},
                {"other", "", 0, "", milliseconds(1500)}};
  s.timer_lateness = milliseconds(12);
  return out;
}

/// Of everything something: two loops, a full listener, a failing source.
inline Snapshot sample_snapshot() {
  using std::chrono::milliseconds;
  Snapshot out;
  out.loops.push_back(busy_loop(42, "main"));
  out.processes.push_back(
      {{"shop", 42, "", {{"team", "checkout"}}}, "node", "22.23.3", "/usr/bin/node"});
  out.processes.push_back({{"redis-server", 7, "", {}}, "unknown", "", "/usr/bin/redis-server"});
  LoopSnapshot plain;
  plain.labels = {"redis-server", 7, "main", {}};
  plain.info = {"unknown", "", "procfs", "no uv_run in the image"};
  plain.stats.lag = {{.001, 1}, {0, 0, 0}, 0, 0};
  plain.stats.stall_duration = plain.stats.lag;
  plain.stats.iteration_duration = HistogramSnapshot{{.001, 1}, {5, 1, 0}, .25, 6};
  out.loops.push_back(plain);
  out.listeners.push_back({{"shop", 42, "main", {{"team", "checkout"}}},
                           "127.0.0.1:3000",
                           512,
                           511,
                           512,
                           3,
                           std::nullopt,
                           4,
                           milliseconds(9250)});
  out.listeners.push_back(
      {{"redis-server", 7, "main", {}}, "[::]:6379", 0, 128, 1, std::nullopt, 4, 1, std::nullopt});
  out.namespaces.push_back({{"shop", 42, "main", {{"team", "checkout"}}}, 17, 19});
  out.sources.push_back({"uv_stack", true, "", std::chrono::microseconds(150)});
  out.sources.push_back({"backlog", false, "netlink: Operation not permitted", Nanos{0}});
  out.targets = 2;
  out.sampler_late = milliseconds(250);
  out.stack_captures = StackCaptureSnapshot{{{"named", 40}, {"no name", 2}},
                                            {{.00025, .001}, {30, 4, 0}, .0051, 34}};
  return out;
}

inline StallRecord sample_stall() {
  using std::chrono::milliseconds;
  StallRecord out;
  out.id = 9;
  out.process = "shop";
  out.pid = 42;
  out.slot = 3;
  out.loop = "main";
  out.labels = {{"pod", "shop-0"}};
  out.started_at = std::chrono::system_clock::time_point(milliseconds(1700000000007));
  out.duration = milliseconds(1500);
  out.in_progress = true;
  out.phase = Phase::kPoll;
  out.cause = Cause::kCpu;
  out.causes[static_cast<std::size_t>(Cause::kCpu)] = milliseconds(1400);
  out.causes[static_cast<std::size_t>(Cause::kGc)] = milliseconds(100);
  out.function = "compute";
  out.file = "/srv/app.js";
  out.line = 10;
  out.detail = "read /tmp/fifo";
  out.stack = {{"js", "compute", "/srv/app.js", 10, 7}, {"unknown", "", "", 0}};
  return out;
}

/// Hands out what it holds.
class FixedProvider : public SnapshotProvider {
 public:
  explicit FixedProvider(Snapshot snapshot = sample_snapshot()) : snapshot_(std::move(snapshot)) {}
  Snapshot snapshot() override { return snapshot_; }
  std::vector<StallRecord> stalls(std::size_t limit) override {
    return std::vector<StallRecord>(limit, sample_stall());
  }

 private:
  Snapshot snapshot_;
};

class ThrowingProvider : public SnapshotProvider {
 public:
  Snapshot snapshot() override { throw std::runtime_error("no figures"); }
  std::vector<StallRecord> stalls(std::size_t /*limit*/) override { throw 42; }
};

}  // namespace loopscope::test
