#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "config/config.h"

namespace loopscope {

inline constexpr std::size_t kMaxTargets = 256;
inline constexpr std::size_t kMaxLabels = 16;

/// Reads a configuration; what it does not mention keeps its default. Pure, and safe on
/// any bytes. Every error is "NAME:LINE:COLUMN: what is wrong and what is allowed", with
/// `name` standing for the file.
Result<Config> parse_config(std::string_view yaml, const std::string& name);

/// parse_config() of a regular file of at most 1 MiB. Errors also: missing, unreadable,
/// a directory or device, too large; these name the path alone.
Result<Config> read_config_file(const std::string& path);

/// Every key the reader knows, as a path: "listen", "sources.procfs", "targets[].pid".
/// Names below "targets[].labels" are the user's own.
std::vector<std::string> config_keys();

}  // namespace loopscope
