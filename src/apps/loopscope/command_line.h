#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "apps/loopscope/run_options.h"
#include "apps/loopscope/top/top_options.h"

namespace loopscope {

/// What `loopscope doctor` looks at.
struct DoctorOptions {
  std::string config_file;  ///< empty: none given
  std::optional<int> pid;   ///< absent: this machine in general
};

/// What `loopscope stack` looks at, once.
struct StackOptions {
  int pid = 0;
  std::string config_file;  ///< empty: none given
  bool no_ptrace = false;   ///< never stop a thread for it
};

/// A command line, understood. Values are checked for form and bounds; that a pid exists
/// or a file can be read is not known yet.
struct CommandLine {
  enum class Verb { kRun, kTop, kStack, kDoctor, kCheckConfig };

  Verb verb = Verb::kRun;
  RunOptions run;                 ///< of kRun
  TopOptions top;                 ///< of kTop
  StackOptions stack;             ///< of kStack
  DoctorOptions doctor;           ///< of kDoctor
  std::string check_config_file;  ///< of kCheckConfig
};

/// Either a command to carry out, or what to print and the code to exit with: 0 after
/// help and version (`output` goes to standard output), 2 after a usage error (`output`
/// goes to standard error). `output` ends with a newline.
struct CommandLineOutcome {
  std::optional<CommandLine> command;
  int exit_code = 0;
  std::string output;
};

/// Parses the arguments after the program's name. Never throws, never prints.
CommandLineOutcome parse_command_line(std::span<const std::string> arguments);

}  // namespace loopscope
