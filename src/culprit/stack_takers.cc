#include "culprit/stack_takers.h"

#include <algorithm>
#include <utility>

#include "culprit/perf_taker.h"
#include "culprit/ptrace_taker.h"
#include "culprit/sleeping_taker.h"

namespace loopscope {
namespace {

constexpr std::array kAllWays = {CaptureWay::kPerf, CaptureWay::kSleeping, CaptureWay::kPtrace};

bool is_allowed(const CaptureWays& ways, CaptureWay way) {
  switch (way) {
    case CaptureWay::kPerf:
      return ways.perf;
    case CaptureWay::kSleeping:
      return ways.sleeping;
    case CaptureWay::kPtrace:
      return ways.ptrace;
  }
  return false;
}

/// Registers are asked for by their x86-64 numbers, and frames are found from no others.
#if defined(__x86_64__)
constexpr bool kKnowsRegisters = true;
#else
constexpr bool kKnowsRegisters = false;
#endif

Result<std::unique_ptr<StackTaker>> open_way(CaptureWay way, int pid, int tid) {
  if (!kKnowsRegisters && way != CaptureWay::kSleeping) {
    return Error{"stacks of running threads are read on x86-64 only"};
  }
  switch (way) {
    case CaptureWay::kPerf:
      return PerfTaker::open(pid, tid);
    case CaptureWay::kSleeping:
      return SleepingTaker::open(pid, tid);
    case CaptureWay::kPtrace:
      return PtraceTaker::open(pid, tid);
  }
  return Error{"no such way"};
}

std::size_t index_of(CaptureWay way) { return static_cast<std::size_t>(way); }

const Clock& steady_clock_of_takers() {
  static const SystemClock clock;
  return clock;
}

}  // namespace

std::vector<CaptureWayReport> describe_capture_ways(int pid, int tid, const CaptureWays& allowed) {
  std::vector<CaptureWayReport> reports;
  for (const CaptureWay way : kAllWays) {
    CaptureWayReport& report = reports.emplace_back();
    report.way = way;
    if (!is_allowed(allowed, way)) {
      report.reason = "switched off";
      continue;
    }
    const auto taker = open_way(way, pid, tid);
    report.available = taker.ok();
    if (!taker) report.reason = taker.error().message;
  }
  return reports;
}

StackTakers::StackTakers(const ProcessId& process, int tid, CaptureWays allowed,
                         CaptureCounters& counters)
    : StackTakers(process, tid, allowed, counters, open_way, steady_clock_of_takers()) {}

StackTakers::StackTakers(const ProcessId& process, int tid, CaptureWays allowed,
                         CaptureCounters& counters, Opener opener, const Clock& clock)
    : process_(process), tid_(tid), counters_(counters), opener_(std::move(opener)), clock_(clock) {
  set_allowed(allowed);
}

void StackTakers::set_allowed(const CaptureWays& allowed) {
  for (const CaptureWay way : kAllWays) {
    Way& state = ways_[index_of(way)];
    state.allowed = is_allowed(allowed, way);
    state.retry_at = state.patience = Nanos(0);
  }
}

StackTaker* StackTakers::taker(CaptureWay way) {
  Way& state = ways_[index_of(way)];
  if (!state.allowed) return nullptr;
  if (state.taker || clock_.now() < state.retry_at) return state.taker.get();
  auto opened = opener_(way, process_.pid, tid_);
  // What was opened is bound to a thread of the process that has the pid now.
  if (opened && !is_alive(process_)) {
    opened = Error{"pid " + std::to_string(process_.pid) + " is another process now"};
  }
  if (!opened) {
    refuse(state, opened.error());
    return nullptr;
  }
  state.taker = std::move(*opened);
  return state.taker.get();
}

void StackTakers::refuse(Way& way, const Error& error) const {
  way.refusal = error.message;
  way.taker.reset();
  way.patience = std::clamp(way.patience * 2, kFirstRetry, kLongestRetry);
  way.retry_at = clock_.now() + way.patience;
}

std::vector<StackSample> StackTakers::take_by(CaptureWay way, std::size_t count, Nanos patience) {
  StackTaker* by = taker(way);
  if (by == nullptr) return {};
  auto samples = by->take(count, patience);
  if (!samples) {
    refuse(ways_[index_of(way)], samples.error());
    return {};
  }
  ways_[index_of(way)].patience = Nanos(0);
  for (const StackSample& sample : *samples) {
    if (sample.stopped > Nanos(0)) counters_.stopped(sample.stopped);
  }
  if (!samples->empty()) counters_.count(way);
  return std::move(*samples);
}

Result<std::vector<StackSample>> StackTakers::take(std::size_t count, Nanos patience, bool gently) {
  auto samples = take_by(CaptureWay::kSleeping, count, Nanos(0));
  if (samples.empty()) samples = take_by(CaptureWay::kPerf, count, patience);
  if (samples.empty()) samples = take_by(CaptureWay::kSleeping, count, Nanos(0));
  const bool has_perf = ways_[index_of(CaptureWay::kPerf)].taker != nullptr;
  if (samples.empty() && !(gently && has_perf)) {
    samples = take_by(CaptureWay::kPtrace, count, patience);
  }
  if (!samples.empty()) return samples;
  const bool none_works =
      std::ranges::none_of(ways_, [](const Way& way) { return way.taker != nullptr; });
  counters_.count(none_works ? CaptureCounters::Result::kRefused : CaptureCounters::Result::kNone);
  if (none_works) return why_not();
  return samples;
}

Error StackTakers::why_not() const {
  std::string message;
  for (const CaptureWay way : kAllWays) {
    const Way& state = ways_[index_of(way)];
    if (!message.empty()) message += "; ";
    message += std::string(to_string(way)) + ": ";
    message += state.allowed ? state.refusal : "switched off";
  }
  return Error{message};
}

}  // namespace loopscope
