#pragma once

#include <sys/types.h>

#include <atomic>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "apps/loopscope/restart_delay.h"
#include "base/clock.h"
#include "log/log_settings.h"

namespace loopscope {

/// What `loopscope run --supervise` is: a process that starts the real one as its child by fork
/// alone, starts it again when it fails, and does nothing else. It is made before anything is
/// loaded or any thread is started, opens nothing and reads no configuration: what can fail is in
/// the child.
class Supervisor {
 public:
  /// Whether the command line asks for one (`run --supervise`; `-- COMMAND` excludes it), and in
  /// which format it is to log until the child knows better. Nothing is checked: the child does.
  static std::optional<LogFormat> wanted(std::span<const char* const> arguments);

  explicit Supervisor(LogFormat format);
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;

  /// Returns nothing in each child, which is then the program, dies with its parent and has the
  /// handled signals blocked; in the parent at the end, with the code to exit with.
  std::optional<int> run();

 private:
  struct End {
    int status = 0;    ///< as waitpid() tells it
    int code() const;  ///< as shells say it: 128 + the number of the signal
    std::string text() const;
  };

  /// Nothing: this is the child.
  std::optional<pid_t> start();
  End wait_for_end(pid_t child);
  bool is_told_to_end_within(Nanos wait) const;
  std::optional<End> reap(pid_t child) const;
  void log(const std::string& message) const;

  RestartDelay delay_;
  bool ending_ = false;  ///< SIGTERM or SIGINT has come
};

/// In a supervised process: the format that its supervisor logs in from now on. Elsewhere nothing.
void tell_supervisor(LogFormat format);

}  // namespace loopscope
