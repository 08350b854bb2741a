#include "culprit/capture_counters.h"

#include <string_view>

#include "base/duration.h"

namespace loopscope {
namespace {

constexpr std::array<double, 9> kStopBounds = {50e-6,  100e-6, 250e-6, 500e-6, 1e-3,
                                               2.5e-3, 5e-3,   10e-3,  25e-3};
constexpr std::array<std::string_view, 5> kResultNames = {"perf", "sleeping", "ptrace", "none",
                                                          "refused"};

}  // namespace

CaptureCounters::CaptureCounters() : stops_(kStopBounds) {}

void CaptureCounters::count(Result result) {
  const std::lock_guard lock(mutex_);
  ++results_[static_cast<std::size_t>(result)];
}

void CaptureCounters::stopped(Nanos time) {
  const std::lock_guard lock(mutex_);
  stops_.observe(in_seconds(time));
}

StackCaptureSnapshot CaptureCounters::snapshot() const {
  const std::lock_guard lock(mutex_);
  StackCaptureSnapshot out;
  for (std::size_t i = 0; i < kResults; ++i) {
    out.by_result.emplace_back(std::string(kResultNames[i]), results_[i]);
  }
  out.stops = stops_.snapshot();
  return out;
}

}  // namespace loopscope
