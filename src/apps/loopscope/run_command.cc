#include "apps/loopscope/run_command.h"

#include <signal.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <atomic>
#include <ctime>
#include <mutex>
#include <utility>

#include "apps/loopscope/bcrypt.h"
#include "apps/loopscope/exit_code.h"
#include "apps/loopscope/file_limit.h"
#include "apps/loopscope/started_program.h"
#include "apps/loopscope/supervisor.h"
#include "base/guarded.h"
#include "config/web_config.h"
#include "engine/selection.h"
#include "engine/watcher.h"
#include "export/basic_auth.h"
#include "export/http_server.h"
#include "log/logging.h"

namespace loopscope {
namespace {

/// How often is looked whether all that a launcher left running has ended; it is told by SIGCHLD,
/// but for a process that is being looked at just then.
constexpr timespec kLookAgain{.tv_sec = 1, .tv_nsec = 0};

/// The signals the program answers to, blocked in every thread and waited for in one.
sigset_t handled_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGCHLD}) sigaddset(&set, signal);
  return set;
}

SeriesOptions series_options_of(const Config& config) {
  return {.names = {.prom_client = config.compatibility.prom_client,
                    .opentelemetry = config.compatibility.opentelemetry},
          .pid_label = config.pid_label,
          .all = config.all_metrics};
}

/// All that is read from files and flags, at the start and by a reload.
struct Settings {
  Config config;
  UserHashes users;  ///< who may ask; none: everybody
};

Result<Settings> read_settings(const RunOptions& options) {
  auto config = effective_config(options);
  if (!config) return config.error();
  Settings settings{*std::move(config), {}};
  if (settings.config.web_config.empty()) return settings;
  auto users = read_web_config_file(settings.config.web_config);
  if (!users) return users.error();
  settings.users = *std::move(users);
  return settings;
}

/// Reads the configuration anew and applies it; from the signal loop and HTTP threads.
class Reloader {
 public:
  Reloader(RunOptions options, Config config, Watcher& watcher, BasicAuth& auth)
      : options_(std::move(options)),
        config_(std::move(config)),
        watcher_(watcher),
        auth_(auth),
        series_(series_options_of(config_)) {}

  Result<void> reload() {
    const std::lock_guard lock(mutex_);
    auto settings = read_settings(options_);
    if (!settings) {
      spdlog::error("reload refused, the old configuration stays: {}", settings.error().message);
      return settings.error();
    }
    Config& config = settings->config;
    for (const std::string& name : restart_needed(config_, config)) {
      spdlog::warn("reload: a change of {} takes effect after a restart", name);
    }
    set_up_logging(config.log_format, config.log_level);
    tell_supervisor(config.log_format);
    config_ = std::move(config);
    auth_.set_users(settings->users);
    watcher_.apply(config_);
    series_ = series_options_of(config_);
    spdlog::info("configuration reloaded");
    return {};
  }

  /// Does not wait for a reload under way, as scrapes must not.
  SeriesOptions series_options() const { return series_; }

 private:
  const RunOptions options_;
  std::mutex mutex_;
  Config config_;
  Watcher& watcher_;
  BasicAuth& auth_;
  std::atomic<SeriesOptions> series_;
};

void end_child(std::optional<StartedProgram>& child) {
  if (child) child->end([](const std::string& text) { spdlog::warn("{}", text); });
}

int wait_for_the_end(const sigset_t& signals, Reloader& reloader,
                     std::optional<StartedProgram>& child) {
  bool told = false;  // that the program has ended
  for (;;) {
    siginfo_t info{};
    const int signal =
        told ? sigtimedwait(&signals, &info, &kLookAgain) : sigwaitinfo(&signals, &info);
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

int serve(const RunOptions& options, const Settings& settings, const sigset_t& signals) {
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
  Reloader reloader(options, config, watcher, auth);
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
  const auto settings = read_settings(options);
  if (!settings) {
    print_error(settings.error().message);
    return kUsageError;
  }
  set_up_logging(settings->config.log_format, settings->config.log_level);
  tell_supervisor(settings->config.log_format);
  const sigset_t signals = handled_signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return serve(options, *settings, signals);
}

}  // namespace loopscope
