#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "core/snapshot.h"

namespace loopscope {

// Bodies of the JSON API. Strings that are not UTF-8 come out with U+FFFD; times are
// in seconds; what is not known is null.

/// {"time": ..., "targets": N, "loops": [...], "listeners": [...], "sources": [...]}.
/// `taken_at` lets a client tell rates whatever its own clock says.
std::string loops_json(const Snapshot& snapshot, std::chrono::system_clock::time_point taken_at);

/// One stall as an object on one line, without a line end.
std::string stall_json(const StallRecord& stall);

/// An array of these in the order given.
std::string stalls_json(const std::vector<StallRecord>& stalls);

/// {"error": message}
std::string error_json(std::string_view message);

}  // namespace loopscope
