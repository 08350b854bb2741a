#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "loopscope/phase.h"

namespace loopscope {

/// One entry of a stall's stack, innermost first.
struct StackFrame {
  std::string kind;  ///< "js", "native", "kernel" or "unknown"
  std::string function;
  std::string file;
  int line = 0;  ///< 0: not known
};

/// One busy period at or over the stall threshold, ended or still in progress.
struct StallRecord {
  std::uint64_t id = 0;  ///< unique in this exporter, growing
  std::string process;
  int pid = 0;
  std::string loop;
  std::vector<std::pair<std::string, std::string>> labels;  ///< the other ones of the loop
  std::chrono::system_clock::time_point started_at;
  std::chrono::nanoseconds duration{0};  ///< so far, while in progress
  bool in_progress = false;
  Phase phase = Phase::kUnknown;                               ///< where most of it was spent
  Cause cause = Cause::kUnknown;                               ///< the largest of `causes`
  std::array<std::chrono::nanoseconds, kCauseCount> causes{};  ///< indexed by Cause
  std::string function;  ///< innermost user function; empty: not known
  std::string file;
  int line = 0;
  std::vector<StackFrame> stack;
  std::string detail;  ///< what it waited for, in words ("read /tmp/fifo", "CPU quota"); or empty
};

}  // namespace loopscope
