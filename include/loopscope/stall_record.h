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
  int line = 0;           ///< 0: not known
  int function_line = 0;  ///< where the function begins; 0: not known
  /// The line in the text that runs, where that is not the file's (a compiler made it while the
  /// program loaded); then `line` and `function_line` are 0. 0: the text is the file's.
  int generated_line = 0;
};

/// One busy period at or over the stall threshold, ended or still in progress.
struct StallRecord {
  std::uint64_t id = 0;  ///< unique in this exporter, growing
  std::string process;
  int pid = 0;
  int slot = 0;  ///< among the processes of this name
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
  int line = 0;            ///< that ran; 0: not known
  int function_line = 0;   ///< where the function begins; 0: not known
  int generated_line = 0;  ///< see StackFrame
  std::vector<StackFrame> stack;
  std::string detail;  ///< what it waited for, in words ("read /tmp/fifo", "CPU quota"); or empty
};

}  // namespace loopscope
