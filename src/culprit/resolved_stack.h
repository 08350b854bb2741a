#pragma once

#include <string>
#include <vector>

#include "loopscope/stall_record.h"

namespace loopscope {

/// One sample with names: its frames and whom they blame.
struct ResolvedStack {
  std::string function;  ///< innermost user function; empty: none is known, so none is blamed
  std::string file;
  int line = 0;
  int generated_line = 0;          ///< see StackFrame
  std::string detail;              ///< what a sleeping thread waits for; empty: nothing known
  std::vector<StackFrame> frames;  ///< innermost first
  std::string problem;             ///< why nobody is blamed; for the log at debug level

  bool has_name() const { return !function.empty(); }
};

}  // namespace loopscope
