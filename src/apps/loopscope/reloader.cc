#include "apps/loopscope/reloader.h"

#include <spdlog/spdlog.h>

#include <utility>

#include "apps/loopscope/supervisor.h"
#include "log/logging.h"

namespace loopscope {
namespace {

SeriesOptions series_options_of(const Config& config) {
  return {.names = {.prom_client = config.compatibility.prom_client,
                    .opentelemetry = config.compatibility.opentelemetry},
          .pid_label = config.pid_label,
          .all = config.all_metrics};
}

}  // namespace

Reloader::Reloader(SettingsReader& reader, const Settings& settings, Watcher& watcher,
                   BasicAuth& auth)
    : reader_(reader),
      config_(settings.config),
      watcher_(watcher),
      auth_(auth),
      series_(series_options_of(config_)) {
  admit(settings);
}

Result<void> Reloader::reload() {
  const std::lock_guard lock(mutex_);
  auto settings = reader_.read();
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
  admit(*settings);
  config_ = std::move(config);
  watcher_.apply(config_);
  series_ = series_options_of(config_);
  spdlog::info("configuration reloaded");
  return {};
}

void Reloader::look_at_files() {
  {
    const std::lock_guard lock(mutex_);
    if (!reader_.have_changed()) return;
  }
  (void)reload();  // which tells what is wrong
}

void Reloader::admit(const Settings& settings) {
  const bool was_closed = std::exchange(closed_, settings.closed);
  if (settings.closed) {
    auth_.close();
    if (was_closed) return;
    spdlog::warn(
        "{} does not exist; until it does, every request but /-/healthy is answered 503 "
        "(--wait-for-web-config)",
        settings.config.web_config);
    return;
  }
  auth_.set_users(settings.users);
  if (was_closed) spdlog::info("{} is there: its users are let in", settings.config.web_config);
}

}  // namespace loopscope
