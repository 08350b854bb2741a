#include "apps/loopscope/run_command.h"

#include <signal.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <ctime>
#include <utility>

#include "apps/loopscope/bcrypt.h"
#include "apps/loopscope/exit_code.h"
#include "apps/loopscope/file_limit.h"
#include "apps/loopscope/reloader.h"
#include "apps/loopscope/settings.h"
#include "apps/loopscope/started_program.h"
#include "apps/loopscope/supervisor.h"
#include "base/guarded.h"
#include "engine/selection.h"
#include "engine/watcher.h"
#include "export/basic_auth.h"
#include "export/http_server.h"
#include "log/logging.h"

namespace loopscope {
namespace {

/// How often the signal loop looks around. What a launcher left running and how it ends is told by
/// SIGCHLD, but for a process that is being looked at just then.
constexpr timespec kLookAgain{.tv_sec = 1, .tv_nsec = 0};
/// How often is looked whether the files of the settings have changed; a change counts at the
/// second look.
constexpr Nanos kLookAtFiles = std::chrono::seconds(2);

/// The signals the program answers to, blocked in every thread and waited for in one.
sigset_t handled_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGCHLD}) sigaddset(&set, signal);
  return set;
}

void end_child(std::optional<StartedProgram>& child) {
  if (child) child->end([](const std::string& text) { spdlog::warn("{}", text); });
}

int wait_for_the_end(const sigset_t& signals, Reloader& reloader,
                     std::optional<StartedProgram>& child) {
  const SystemClock clock;
  Nanos looked_at = clock.now();
  bool told = false;  // that the program has ended
  for (;;) {
    siginfo_t info{};
    const int signal = sigtimedwait(&signals, &info, &kLookAgain);
    if (const Nanos now = clock.now(); now - looked_at >= kLookAtFiles) {
      run_guarded("reload", [&] { reloader.look_at_files(); });
      looked_at = now;
    }
    if (signal == SIGHUP) run_guarded("reload", [&] { (void)reloader.reload(); });
    if (signal == SIGINT || signal == SIGTERM) {
      if (child && info.si_code == SI_KERNEL) child->was_interrupted();
      end_child(child);
      return kOk;
    }
    if (!child) continue;
    child->reap();
    const auto status = child->exit_status();
    if (!status) continue;
    const bool finished = child->has_finished();
    if (!std::exchange(told, true)) {
      spdlog::info("the program has ended with status {}{}{}", *status,
                   finished ? "" : "; watched on: ", finished ? "" : child->living_names());
    }
    if (finished) return *status == 0 ? kOk : kRuntimeFailure;
  }
}

int serve(const RunOptions& options, SettingsReader& reader, const Settings& settings,
          const sigset_t& signals) {
  const Config& config = settings.config;
  std::optional<StartedProgram> child;  // ends with this, whatever the way out
  const SystemClock clock;
  const auto fail = [](const std::string& message) {
    print_error(message);
    return kRuntimeFailure;
  };
  if (!options.command.empty()) {
    auto started = StartedProgram::start(options.command);
    if (!started) return fail(started.error().message);
    child.emplace(std::move(*started));
  } else if (const auto present = check_pids(config); !present) {
    return fail(present.error().message);
  }
  allow_many_files();  // the child keeps the limit that we were started with

  Watcher watcher(config, child ? std::optional(child->root()) : std::nullopt, clock,
                  options.supervise ? std::optional(::getppid()) : std::nullopt);
  BasicAuth auth(clock, bcrypt_matches, settings.users);
  Reloader reloader(reader, settings, watcher, auth);
  HttpServerOptions http;
  http.listen = config.listen.to_string();
  http.log = [](std::string message) { spdlog::warn("http: {}", message); };
  auto server =
      HttpServer::start(http, watcher,
                        {.ready = [&watcher] { return watcher.ready(); },
                         .reload = [&reloader] { return reloader.reload(); },
                         .series_options = [&reloader] { return reloader.series_options(); },
                         .admit = [&auth](std::string_view it) { return auth.admit(it); }});
  if (!server) return fail(server.error().message);
  announce_address(config.log_format, (*server)->address());
  if (const auto started = watcher.start(); !started) return fail(started.error().message);
  const int code = wait_for_the_end(signals, reloader, child);
  server->reset();
  watcher.stop();
  return code;
}

}  // namespace

int run_command(const RunOptions& options) {
  SettingsReader reader(options);
  const auto settings = reader.read();
  if (!settings) {
    print_error(settings.error().message);
    return kUsageError;
  }
  set_up_logging(settings->config.log_format, settings->config.log_level);
  tell_supervisor(settings->config.log_format);
  const sigset_t signals = handled_signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return serve(options, reader, *settings, signals);
}

}  // namespace loopscope
