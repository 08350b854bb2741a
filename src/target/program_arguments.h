#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace loopscope {

/// The arguments that a program was started with, as far as its memory still tells.
struct ProgramArguments {
  std::vector<std::string> values;  ///< the program's own name first
  /// The program has written a title over them (process.title, setproctitle): the first value is
  /// that title, and what it was started with is gone.
  bool is_rewritten = false;
};

/// From the bytes of /proc/PID/cmdline. Whoever writes a title there fills the rest with zeros,
/// or leaves out the one that ends the last argument.
ProgramArguments parse_arguments(std::string_view bytes);

/// Of a living process; at most the first 64 KiB.
Result<ProgramArguments> read_arguments(int pid);

}  // namespace loopscope
