#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "apps/loopscope/process_tree.h"
#include "base/result.h"

namespace loopscope {

/// A program started by us (`loopscope run -- COMMAND`), with our environment and process
/// group, so that its terminal works as if it had been started alone, and all that it starts.
/// Being its ancestor is what lets us look at it where Yama's ptrace_scope is 1.
///
/// Launchers end and leave others running (a shell, a daemon's first process): the program has
/// finished when nothing of it runs any more.
class StartedProgram {
 public:
  /// Its standard streams.
  enum class Streams {
    kOurs,
    kOutputToStderr,  ///< ours, but what it prints does not mix with what we print
    kNone,            ///< /dev/null
  };

  /// Error: the program cannot be run, with the system's reason. It starts with the signals and
  /// limits that this process has been started with; so start it before raising any.
  static Result<StartedProgram> start(const std::vector<std::string>& command,
                                      Streams streams = Streams::kOurs);

  StartedProgram(StartedProgram&& other) noexcept
      : pid_(std::exchange(other.pid_, 0)),
        tree_(std::move(other.tree_)),
        status_(other.status_),
        interrupted_(other.interrupted_) {}
  StartedProgram& operator=(StartedProgram&&) = delete;
  StartedProgram(const StartedProgram&) = delete;
  StartedProgram& operator=(const StartedProgram&) = delete;
  /// Ends it as end() does.
  ~StartedProgram();

  int pid() const { return pid_; }
  /// The process whose descendants all are the program's.
  int root() const;

  /// Reaps what has ended; to be called after SIGCHLD, before the following.
  void reap();
  /// The exit status of the program itself once it has ended: the code, or 128 + the number of
  /// the signal that ended it, as shells say it.
  std::optional<int> exit_status() const { return status_; }
  /// Neither it nor anything it started runs any more.
  bool has_finished() const;
  /// "node (pid 42), sh (pid 43) and 2 more": what runs now.
  std::string living_names() const;

  /// The user has pressed Ctrl-C at our terminal, so all of our process group know.
  void was_interrupted() { interrupted_ = true; }
  /// Ends all of it, see TreeEnding; returns once it is gone, or cannot be ended. Warns by
  /// `warn` of what had to be killed. Further SIGINT and SIGTERM hurry it.
  void end(const std::function<void(const std::string&)>& warn);

 private:
  StartedProgram(int pid, ProcessTree tree) : pid_(pid), tree_(std::move(tree)) {}

  int pid_;  ///< 0: moved from
  ProcessTree tree_;
  std::optional<int> status_;
  bool interrupted_ = false;
};

}  // namespace loopscope
