#pragma once

#include <string>

namespace loopscope {

/// What follows a file's name to tell a line of it: ":12"; " (generated line 12)" for a line of
/// a text that is not the file's; empty if neither is known.
inline std::string line_text(int line, int generated_line) {
  if (line > 0) return ":" + std::to_string(line);
  if (generated_line > 0) return " (generated line " + std::to_string(generated_line) + ")";
  return {};
}

}  // namespace loopscope
