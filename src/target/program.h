#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "target/runtime_info.h"

namespace loopscope {

/// What a process runs since its last exec. Nothing of it changes when the program writes a
/// title over its arguments.
struct Program {
  /// The `name` of the nearest package.json above the main script, else the script's base name,
  /// else the name of the process.
  std::string name;
  std::string script;      ///< path or module as given to the interpreter; empty: none is known
  std::string executable;  ///< as the process sees it; empty: not known
  /// The number by which whoever started several of them tells them apart: NODE_APP_INSTANCE,
  /// pm_id or that of Node's cluster worker. Absent: none.
  std::optional<int> instance;
  /// It counts up with every start (a cluster worker's): one that is started anew has another.
  bool instance_grows = false;

  bool operator==(const Program&) const = default;
};

/// The values that say which instance a process is and what pm2 runs in it (variables, or members
/// of the JSON in pm2_env); nothing else of its environment is kept.
struct ProgramEnvironment {
  std::optional<int> app_instance;    ///< NODE_APP_INSTANCE
  std::optional<int> pm_id;           ///< pm_id
  std::optional<int> cluster_worker;  ///< NODE_UNIQUE_ID
  std::string pm_exec_path;
};

/// From the bytes of /proc/PID/environ.
ProgramEnvironment parse_environment(std::string_view bytes);

/// Looks at a living process. `fallback`: its name, if nothing better is found.
Program read_program(int pid, const RuntimeInfo& runtime, const std::string& fallback);

/// Whether two marks (FoundProcess::exec_mark: where the kernel put the stack, which is somewhere
/// else after each exec) are of one exec. One that is not known now is taken for the same. One
/// that was not known before is not: amid an exec the kernel tells the new executable and still
/// no mark, no arguments, and perhaps the old name.
inline bool is_same_exec(std::uint64_t before, std::uint64_t now) {
  return now == 0 || before == now;
}

}  // namespace loopscope
