// Cost of one scrape by number of loops: figures to text, and to JSON.

#include <benchmark/benchmark.h>

#include <chrono>
#include <string>

#include "core/snapshot.h"
#include "export/exposition.h"
#include "export/gzip.h"
#include "export/json_api.h"
#include "export/prometheus_bridge.h"

namespace loopscope {
namespace {

HistogramSnapshot histogram() {
  HistogramSnapshot out;
  out.bounds = {.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10};
  out.counts.assign(out.bounds.size() + 1, 123456);
  out.count = 14 * 123456;
  out.sum = 1234.56789;
  return out;
}

Snapshot loops(std::int64_t count) {
  Snapshot out;
  for (std::int64_t i = 0; i < count; ++i) {
    LoopSnapshot loop;
    loop.labels = {"checkout-service", 100000 + static_cast<int>(i), "main", {}};
    loop.info = {"node", "22.23.3", "uv_stack", ""};
    LoopStatsSnapshot& stats = loop.stats;
    stats.lag = histogram();
    stats.stall_duration = histogram();
    stats.iterations = 123456789;
    stats.phase_time.fill(std::chrono::nanoseconds(123456789012));
    for (auto& phase : stats.stalls) phase[0] = {17, std::chrono::nanoseconds(1234567891)};
    for (int c = 0; c < 5; ++c) {
      stats.culprits.push_back({"function" + std::to_string(c), "/srv/app/index.js", c,
                                std::chrono::nanoseconds(12345)});
    }
    out.listeners.push_back({loop.labels, "127.0.0.1:3000", 3, 511, 17, 0, 0});
    out.namespaces.push_back({loop.labels, 1, 1});
    out.loops.push_back(std::move(loop));
  }
  return out;
}

void text_format(benchmark::State& state) {
  const Snapshot snapshot = loops(state.range(0));
  std::size_t bytes = 0;
  for (auto _ : state) {
    const std::string text = text_exposition(scrape_families(snapshot, read_process_stats()));
    bytes = text.size();
    benchmark::DoNotOptimize(text.data());
  }
  state.counters["bytes"] = static_cast<double>(bytes);
}

void open_metrics_format(benchmark::State& state) {
  const Snapshot snapshot = loops(state.range(0));
  for (auto _ : state) {
    const std::string text =
        open_metrics_exposition(scrape_families(snapshot, read_process_stats()));
    benchmark::DoNotOptimize(text.data());
  }
}

void families_only(benchmark::State& state) {
  const Snapshot snapshot = loops(state.range(0));
  for (auto _ : state) benchmark::DoNotOptimize(loop_families(snapshot).data());
}

void process_stats_only(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(read_process_stats());
}

void gzip_only(benchmark::State& state) {
  const std::string text = text_exposition(loop_families(loops(state.range(0))));
  for (auto _ : state) benchmark::DoNotOptimize(gzip(text));
}

void loops_as_json(benchmark::State& state) {
  const Snapshot snapshot = loops(state.range(0));
  for (auto _ : state) benchmark::DoNotOptimize(loops_json(snapshot, {}));
}

BENCHMARK(text_format)->Arg(1)->Arg(10)->Arg(100)->Unit(benchmark::kMicrosecond);
BENCHMARK(open_metrics_format)->Arg(1)->Arg(10)->Arg(100)->Unit(benchmark::kMicrosecond);
BENCHMARK(families_only)->Arg(1)->Arg(10)->Arg(100)->Unit(benchmark::kMicrosecond);
BENCHMARK(process_stats_only)->Unit(benchmark::kMicrosecond);
BENCHMARK(gzip_only)->Arg(1)->Arg(10)->Arg(100)->Unit(benchmark::kMicrosecond);
BENCHMARK(loops_as_json)->Arg(1)->Arg(10)->Arg(100)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace loopscope

BENCHMARK_MAIN();
