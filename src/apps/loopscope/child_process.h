#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace loopscope {

/// A program started by us (`loopscope run -- COMMAND`), with our environment and process
/// group. Being its ancestor is what lets us look at it where Yama's ptrace_scope is 1.
class ChildProcess {
 public:
  /// Its standard streams.
  enum class Streams {
    kOurs,
    kOutputToStderr,  ///< ours, but what it prints does not mix with what we print
    kNone,            ///< /dev/null
  };

  /// Error: the program cannot be run, with the system's reason.
  static Result<ChildProcess> start(const std::vector<std::string>& command,
                                    Streams streams = Streams::kOurs);

  int pid() const { return pid_; }
  /// Its exit status once it has ended: the code, or 128 + the number of the signal that
  /// ended it, as shells say it. Does not wait.
  std::optional<int> exit_status();
  /// Asks it to end (SIGTERM), gives it `patience`, then kills it; returns once it is gone.
  void end(Nanos patience = std::chrono::seconds(10));

 private:
  explicit ChildProcess(int pid) : pid_(pid) {}

  int pid_;
  std::optional<int> status_;
};

}  // namespace loopscope
