#include "engine/target_naming.h"

#include <algorithm>
#include <string>
#include <utility>

namespace loopscope {
namespace {

std::optional<int> port_hint_of(const FoundProcess& process, const Config& config) {
  // Whoever descends from the owner of a port need not own it.
  if (process.by_descent || process.entry >= config.targets.size()) return std::nullopt;
  return config.targets[process.entry].port;
}

}  // namespace

std::string container_of(const LoopLabels& labels) {
  const auto found =
      std::ranges::find(labels.extra, "container_id", &std::pair<std::string, std::string>::first);
  return found == labels.extra.end() ? "" : found->second;
}

TargetNaming::TargetNaming(const ContainerLabelSettings& settings, const Clock& clock)
    : clock_(clock), container_labels_(settings, clock) {}

void TargetNaming::configure(const ContainerLabelSettings& settings) {
  container_labels_.configure(settings);
}

void TargetNaming::keep_only(const std::vector<FoundProcess>& found) {
  container_labels_.keep_only(found);
  std::vector<ProcessId> present;
  present.reserve(found.size());
  for (const FoundProcess& process : found) present.push_back(process.id);
  slots_.keep_only(present, clock_.now());
}

TargetFacts TargetNaming::facts_of(const FoundProcess& process, const Config& config) {
  LoopLabels labels;
  labels.process = process.label;
  labels.pid = process.id.pid;
  if (process.entry < config.targets.size()) labels.extra = config.targets[process.entry].labels;
  labels.extra = container_labels_.add_to(std::move(labels.extra), process.id);
  labels.slot = slots_.slot_of(process.id, {labels.process, container_of(labels)}, process.program,
                               clock_.now());
  return {std::move(labels), process, port_hint_of(process, config)};
}

}  // namespace loopscope
