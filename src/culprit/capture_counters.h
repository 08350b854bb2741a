#pragma once

#include <array>
#include <cstdint>
#include <mutex>

#include "core/histogram.h"
#include "core/snapshot.h"
#include "culprit/stack_sample.h"

namespace loopscope {

/// How captures ended, over all loops, and for how long targets were stopped. Thread-safe.
class CaptureCounters {
 public:
  enum class Result : std::uint8_t {
    kPerf,  ///< samples by this way...
    kSleeping,
    kPtrace,
    kNone,     ///< the thread ran too little to be sampled and did not sleep either
    kRefused,  ///< every way is refused or switched off
  };
  CaptureCounters();

  void count(Result result);
  void count(CaptureWay way) { count(static_cast<Result>(way)); }
  void stopped(Nanos time);
  StackCaptureSnapshot snapshot() const;

 private:
  static constexpr std::size_t kResults = 5;

  mutable std::mutex mutex_;
  std::array<std::uint64_t, kResults> results_{};
  Histogram stops_;
};

}  // namespace loopscope
