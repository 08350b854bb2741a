#pragma once

#include "core/snapshot.h"
#include "sources/process_loops.h"

namespace loopscope {

/// `source` has this problem with the process `pid`. Of several the worst is shown: a fault, then
/// what is ruled out, then a doubt; of equals the first. A problem of the first moments is none.
void add_problem(SourceSnapshot& source, int pid, const SourceProblem& problem);

}  // namespace loopscope
