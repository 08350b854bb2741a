#include "config/config.h"

#include "base/duration.h"

namespace loopscope {
namespace {

// A slower look than a fifth of the threshold could miss a stall or misjudge its length.
constexpr int kSamplesPerStall = 5;

Result<void> check_threshold(const std::string& whose, Nanos threshold, Nanos sample_interval) {
  if (sample_interval * kSamplesPerStall <= threshold) return {};
  return Error{whose + " (" + format_duration(threshold) +
               ") must be at least five times sample_interval (" +
               format_duration(sample_interval) + ")"};
}

}  // namespace

Result<void> check_consistency(const Config& config) {
  if (auto ok = check_threshold("stall_threshold", config.stall_threshold, config.sample_interval);
      !ok) {
    return ok;
  }
  for (std::size_t i = 0; i < config.targets.size(); ++i) {
    const TargetConfig& target = config.targets[i];
    const std::string whose = "targets[" + std::to_string(i) + "]";
    if (!target.stall_threshold) continue;
    if (auto ok = check_threshold(whose + ".stall_threshold", *target.stall_threshold,
                                  config.sample_interval);
        !ok) {
      return ok;
    }
  }
  return {};
}

std::vector<std::string> restart_needed(const Config& before, const Config& after) {
  std::vector<std::string> names;
  if (before.listen != after.listen) names.emplace_back("listen");
  return names;
}

}  // namespace loopscope
