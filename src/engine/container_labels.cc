#include "engine/container_labels.h"

#include <algorithm>

namespace loopscope {
namespace {

/// As in the listings of docker; unique on any one machine.
constexpr std::size_t kShownDigits = 12;

}  // namespace

ContainerLabels::ContainerLabels(const ContainerLabelSettings& settings, const Clock& clock)
    : clock_(clock) {
  configure(settings);
}

void ContainerLabels::configure(const ContainerLabelSettings& settings) {
  if (settings == settings_) return;
  settings_ = settings;
  places_.clear();
  names_.reset();
  if (settings_.enabled) names_.emplace(settings_.names, clock_);
}

ContainerLabels::Labels ContainerLabels::add_to(Labels own, const ProcessId& process) {
  if (!names_) return own;
  const Place place = place_of(process);
  const auto add = [&own](const char* name, const std::string& value) {
    const bool is_set = std::any_of(own.begin(), own.end(),
                                    [name](const auto& label) { return label.first == name; });
    if (!is_set && !value.empty()) own.emplace_back(name, value);
  };
  if (place.container) {
    add("container_id", place.container->id.substr(0, kShownDigits));
    add("pod_uid", place.container->pod_uid);
  }
  if (place.name) {
    add("namespace", place.name->pod_namespace);
    add("pod", place.name->pod);
    add("container", place.name->container);
  }
  std::sort(own.begin(), own.end());
  return own;
}

ContainerLabels::Place ContainerLabels::place_of(const ProcessId& process) {
  auto known = places_.find(process);
  if (known == places_.end()) {
    const auto membership = read_cgroup_membership(process.pid);
    // Only if it still lives is that its own and not that of another with the same pid.
    if (!membership || !is_alive(process)) return {};
    known = places_.emplace(process, Place{container_of(parse_cgroup_membership(*membership)), {}})
                .first;
  }
  Place& place = known->second;
  if (place.container && !place.name) place.name = names_->find(place.container->id);
  return place;
}

void ContainerLabels::keep_only(const std::vector<FoundProcess>& found) {
  std::erase_if(places_, [&found](const auto& place) {
    return !std::ranges::binary_search(found, place.first, {}, &FoundProcess::id);
  });
}

}  // namespace loopscope
