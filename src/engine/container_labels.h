#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "config/config.h"
#include "target/container_id.h"
#include "target/container_names.h"
#include "target/discovery.h"
#include "target/process_id.h"

namespace loopscope {

/// Labels that say in which container a process runs: container_id, pod_uid, and, once
/// kubelet has named it, namespace, pod and container. What a process has been found to be
/// in is remembered for as long as it lives. Not thread-safe.
class ContainerLabels {
 public:
  using Labels = std::vector<std::pair<std::string, std::string>>;

  /// `clock` must outlive this.
  ContainerLabels(const ContainerLabelSettings& settings, const Clock& clock);

  /// A change forgets what is known.
  void configure(const ContainerLabelSettings& settings);

  /// `own` and what it does not set itself, sorted by name.
  Labels add_to(Labels own, const ProcessId& process);

  /// Forgets all processes but these, which are in the order of Discovery.
  void keep_only(const std::vector<FoundProcess>& found);

  /// Why some names are not known; empty if they can be.
  std::string problem() const { return names_ ? names_->problem() : ""; }

 private:
  struct Place {
    std::optional<ContainerId> container;
    std::optional<ContainerName> name;
  };

  Place place_of(const ProcessId& process);

  const Clock& clock_;
  ContainerLabelSettings settings_;
  std::optional<ContainerNames> names_;  ///< absent: labels are switched off
  std::map<ProcessId, Place> places_;
};

}  // namespace loopscope
