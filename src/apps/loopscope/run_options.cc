#include "apps/loopscope/run_options.h"

#include <utility>

#include "config/config_reader.h"

namespace loopscope {
namespace {

std::vector<TargetConfig> selected_targets(const RunOptions& options) {
  std::vector<TargetConfig> targets;
  for (int pid : options.pids) targets.emplace_back().pid = pid;
  for (const NamePattern& name : options.names) targets.emplace_back().process = name;
  for (std::uint16_t port : options.ports) targets.emplace_back().port = port;
  return targets;
}

}  // namespace

Result<Config> effective_config(const RunOptions& options) {
  Config config;
  if (!options.config_file.empty()) {
    auto file = read_config_file(options.config_file);
    if (!file) return file;
    config = *std::move(file);
  }
  config.listen = options.listen.value_or(config.listen);
  config.stall_threshold = options.stall_threshold.value_or(config.stall_threshold);
  config.sample_interval = options.sample_interval.value_or(config.sample_interval);
  config.log_format = options.log_format.value_or(config.log_format);
  config.log_level = options.log_level.value_or(config.log_level);
  config.compatibility = options.compatibility.value_or(config.compatibility);
  config.all_metrics = options.all_metrics.value_or(config.all_metrics);
  if (options.pid_label) config.pid_label = true;
  if (options.container_labels) config.container_labels.enabled = true;
  if (!options.web_config_file.empty()) config.web_config = options.web_config_file;
  if (options.wait_for_web_config && config.web_config.empty()) {
    // Without it everybody may ask, which is not what is waited for.
    return Error{"--wait-for-web-config needs a file to wait for, by --web-config or web_config"};
  }
  if (options.no_stacks) config.stacks.enabled = false;
  if (!options.stall_log_file.empty()) config.stall_log.file = options.stall_log_file;

  auto targets = selected_targets(options);
  if (!targets.empty() || !options.command.empty()) config.targets = std::move(targets);
  if (auto ok = check_consistency(config); !ok) return ok.error();
  return config;
}

}  // namespace loopscope
