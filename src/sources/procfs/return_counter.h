#pragma once

#include <cstdint>
#include <optional>

#include "base/result.h"
#include "base/unique_fd.h"

namespace loopscope {

/// Counts how often one thread executes one instruction, by a hardware breakpoint that the
/// kernel counts (perf_event_open, PERF_TYPE_BREAKPOINT): nothing is written into the
/// target, it is not stopped and gets no signal. While it counts, each hit costs the target
/// one debug exception (some µs); while it does not, nothing.
/// Needs kernel.perf_event_paranoid <= 2 and ptrace access, or CAP_PERFMON; seccomp
/// profiles of container runtimes often forbid it.
class ReturnCounter {
 public:
  /// Not counting yet. The first one on a machine takes some 20 ms, further ones some 50 µs.
  static Result<ReturnCounter> open(int tid, std::uint64_t address);

  std::uint64_t address() const { return address_; }
  bool start();
  void stop();
  /// Hits while counting, ever; absent: it does not count any more.
  std::optional<std::uint64_t> count() const;

 private:
  ReturnCounter(UniqueFd event, std::uint64_t address);

  UniqueFd event_;
  std::uint64_t address_;
};

}  // namespace loopscope
