#include "apps/loopscope/top/top_command.h"

#include <signal.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>

#include "apps/loopscope/exit_code.h"
#include "apps/loopscope/file_limit.h"
#include "apps/loopscope/started_program.h"
#include "apps/loopscope/top/plain_printer.h"
#include "apps/loopscope/top/screen_display.h"
#include "apps/loopscope/top/top_session.h"
#include "engine/selection.h"
#include "engine/watcher.h"
#include "log/logging.h"

namespace loopscope {
namespace {

int top_failure(const std::string& message, int code = kRuntimeFailure) {
  print_error(message);
  return code;
}

/// Blocked in every thread, and answered by the session.
sigset_t session_signals(bool on_screen) {
  sigset_t set;
  sigemptyset(&set);
  // Also SIGPIPE, so that a reader that leaves is the end of the output, not a crash.
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGCHLD, SIGPIPE}) sigaddset(&set, signal);
  if (on_screen) {
    for (const int signal : {SIGWINCH, SIGTSTP}) sigaddset(&set, signal);
  }
  return set;
}

std::unique_ptr<TopDisplay> open_display(bool plain) {
  if (!plain && TerminalScreen::possible()) {
    auto screen = TerminalScreen::open();
    if (screen) return std::make_unique<ScreenDisplay>(std::move(screen).value());
    top_failure(screen.error().message + "; showing plain lines");
  }
  return std::make_unique<PlainPrinter>(stdout);
}

}  // namespace

int top_command(const TopOptions& options) {
  auto config = effective_config(options.watch);
  if (!config) return top_failure(config.error().message, kUsageError);
  // It is written by the exporter with the same configuration, if one runs.
  config->stall_log = {};
  set_up_logging(config->log_format, std::max(config->log_level, LogLevel::kWarn));
  if (const auto present = check_pids(*config); !present) {
    return top_failure(present.error().message);
  }

  auto display = open_display(options.plain);
  const bool on_screen = display->input() >= 0;
  // Lines of the log would land in the table.
  if (on_screen && ::isatty(STDERR_FILENO) == 1) spdlog::set_level(spdlog::level::off);
  const sigset_t signals = session_signals(on_screen);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  std::optional<StartedProgram> child;
  if (!options.watch.command.empty()) {
    using Streams = StartedProgram::Streams;
    auto started = StartedProgram::start(options.watch.command,
                                         on_screen ? Streams::kNone : Streams::kOutputToStderr);
    if (!started) {
      display.reset();
      return top_failure(started.error().message);
    }
    child.emplace(std::move(*started));
  }

  allow_many_files();  // the child keeps the limit that we were started with

  const SystemClock clock;
  Watcher watcher(*config, child ? std::optional(child->root()) : std::nullopt, clock);
  if (const auto started = watcher.start(); !started) {
    display.reset();
    return top_failure(started.error().message);
  }
  const int code = TopSession(watcher, clock, *display, options).run(signals, child);
  const std::string problem = display->problem();
  display.reset();  // the terminal is the user's again before the rest takes its time
  if (child) child->end(print_error);
  watcher.stop();
  return problem.empty() ? code : top_failure(problem);
}

}  // namespace loopscope
