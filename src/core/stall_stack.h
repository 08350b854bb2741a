#pragma once

#include <string>
#include <vector>

#include "loopscope/stall_record.h"

namespace loopscope {

/// What stack captures tell of one stall, as it goes into its record.
struct StallStack {
  std::string function;  ///< the culprit: innermost user function; empty: not known
  std::string file;
  int line = 0;                    ///< 0: not known
  std::vector<StackFrame> frames;  ///< innermost first
  std::string detail;              ///< see StallRecord::detail
};

}  // namespace loopscope
