#include "apps/loopscope/settings.h"

#include <utility>

#include "config/config_file.h"
#include "config/web_config.h"
#include "config/yaml_tree.h"

namespace loopscope {
namespace {

/// The file at this path is known as it is now.
void watch(std::optional<FileWatch>& file, const std::string& path) {
  if (path.empty()) {
    file.reset();
  } else if (file && file->path() == path) {
    file->mark();
  } else {
    file.emplace(path, kMaxYamlBytes);
  }
}

}  // namespace

SettingsReader::SettingsReader(RunOptions options) : options_(std::move(options)) {}

Result<Settings> SettingsReader::read() {
  watch(config_file_, options_.config_file);
  auto config = effective_config(options_);
  if (!config) return config.error();
  Settings settings{*std::move(config), {}, false};
  const std::string& path = settings.config.web_config;
  watch(web_config_file_, path);
  if (path.empty()) return settings;
  // Passwords that were in force stay when their file goes.
  if (options_.wait_for_web_config && !had_users_ && !file_exists(path)) {
    settings.closed = true;
    return settings;
  }
  auto users = read_web_config_file(path);
  if (!users) return users.error();
  settings.users = *std::move(users);
  had_users_ = true;
  return settings;
}

bool SettingsReader::have_changed() {
  // Both are looked at, whatever the first says.
  const bool config = config_file_ && config_file_->has_changed();
  const bool web_config = web_config_file_ && web_config_file_->has_changed();
  return config || web_config;
}

}  // namespace loopscope
