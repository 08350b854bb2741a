#pragma once

#include "apps/loopscope/command_line.h"

namespace loopscope {

/// `loopscope doctor`: prints what can be measured here and, for each thing that cannot,
/// why, and what would allow it. Returns 0, or 1 if the process asked about does not exist
/// or has nothing to measure, 2 for a bad configuration.
int doctor_command(const DoctorOptions& options);

}  // namespace loopscope
