#include "apps/loopscope/run_command.h"

#include <signal.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <cstdio>
#include <mutex>

#include "apps/loopscope/bcrypt.h"
#include "apps/loopscope/child_process.h"
#include "apps/loopscope/exit_code.h"
#include "apps/loopscope/logging.h"
#include "apps/loopscope/selection.h"
#include "apps/loopscope/watcher.h"
#include "config/web_config.h"
#include "export/basic_auth.h"
#include "export/http_server.h"

namespace loopscope {
namespace {

/// The signals the program answers to, blocked in every thread and waited for in one.
sigset_t handled_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGCHLD}) sigaddset(&set, signal);
  return set;
}

CompatibleNames names_of(const Config& config) {
  return {.prom_client = config.compatibility.prom_client,
          .opentelemetry = config.compatibility.opentelemetry};
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
        names_(names_of(config_)) {}

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
    config_ = std::move(config);
    auth_.set_users(settings->users);
    watcher_.apply(config_);
    names_ = names_of(config_);
    spdlog::info("configuration reloaded");
    return {};
  }

  /// Does not wait for a reload under way, as scrapes must not.
  CompatibleNames compatible_names() const { return names_; }

 private:
  const RunOptions options_;
  std::mutex mutex_;
  Config config_;
  Watcher& watcher_;
  BasicAuth& auth_;
  std::atomic<CompatibleNames> names_;
};

int wait_for_the_end(const sigset_t& signals, Reloader& reloader,
                     std::optional<ChildProcess>& child) {
  for (;;) {
    int signal = 0;
    if (sigwait(&signals, &signal) != 0) continue;
    if (signal == SIGHUP) {
      (void)reloader.reload();
      continue;
    }
    if (signal != SIGCHLD) {
      if (child) child->end();
      return kOk;
    }
    const auto status = child ? child->exit_status() : std::nullopt;
    if (!status) continue;
    spdlog::info("the program has ended with status {}", *status);
    return *status == 0 ? kOk : kRuntimeFailure;
  }
}

int serve(const RunOptions& options, const Settings& settings, const sigset_t& signals) {
  const Config& config = settings.config;
  std::optional<ChildProcess> child;
  const SystemClock clock;
  const auto fail = [&child](const std::string& message) {
    print_error(message);
    if (child) child->end();
    return kRuntimeFailure;
  };
  if (!options.command.empty()) {
    auto started = ChildProcess::start(options.command);
    if (!started) return fail(started.error().message);
    child = *started;
  } else if (const auto present = check_pids(config); !present) {
    return fail(present.error().message);
  }

  Watcher watcher(config, child ? std::optional(child->pid()) : std::nullopt, clock);
  BasicAuth auth(clock, bcrypt_matches, settings.users);
  Reloader reloader(options, config, watcher, auth);
  HttpServerOptions http;
  http.listen = config.listen.to_string();
  http.log = [](std::string message) { spdlog::warn("http: {}", message); };
  auto server =
      HttpServer::start(http, watcher,
                        {.ready = [&watcher] { return watcher.ready(); },
                         .reload = [&reloader] { return reloader.reload(); },
                         .compatible_names = [&reloader] { return reloader.compatible_names(); },
                         .admit = [&auth](std::string_view it) { return auth.admit(it); }});
  if (!server) return fail(server.error().message);
  announce_address(config.log_format, (*server)->address());
  watcher.start();
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
  const sigset_t signals = handled_signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return serve(options, *settings, signals);
}

}  // namespace loopscope
