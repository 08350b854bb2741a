#include "engine/source_health.h"

#include <cstdint>
#include <string>

namespace loopscope {
namespace {

enum class Weight : std::uint8_t { kDoubt, kRuledOut, kFault };

Weight weight_of(bool success, bool permitted) {
  if (success) return Weight::kDoubt;
  return permitted ? Weight::kFault : Weight::kRuledOut;
}

}  // namespace

void add_problem(SourceSnapshot& source, int pid, const SourceProblem& problem) {
  if (problem.is_early) return;
  const bool success = !problem.is_failure;
  const bool permitted = success || !problem.is_ruled_out;
  const Weight weight = weight_of(success, permitted);
  const Weight shown = weight_of(source.success, source.permitted);
  if (weight < shown || (weight == shown && !source.reason.empty())) return;
  source.success = success;
  source.permitted = permitted;
  source.reason = "pid " + std::to_string(pid) + ": " + problem.reason;
}

}  // namespace loopscope
