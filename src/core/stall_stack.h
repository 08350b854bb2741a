#pragma once

#include <string>
#include <vector>

#include "loopscope/stall_record.h"

namespace loopscope {

/// What stack captures tell of one stall, as it goes into its record.
struct StallStack {
  std::string function;  ///< the culprit: innermost user function; empty: not known
  std::string file;
  int line = 0;                    ///< that ran; 0: not known
  int function_line = 0;           ///< where the function begins; 0: not known
  int generated_line = 0;          ///< see StackFrame
  std::vector<StackFrame> frames;  ///< innermost first
  std::string detail;              ///< see StallRecord::detail
};

}  // namespace loopscope
