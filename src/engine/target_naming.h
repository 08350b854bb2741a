#pragma once

#include <optional>
#include <vector>

#include "base/clock.h"
#include "config/config.h"
#include "core/snapshot.h"
#include "engine/container_labels.h"
#include "engine/slot_table.h"
#include "engine/target.h"
#include "target/discovery.h"

namespace loopscope {

/// What tells containers apart in the series; without it, all processes of a name are one group.
std::string container_of(const LoopLabels& labels);

/// Gives the processes that are found their labels: name, slot, those of the configuration and
/// those of their container. For one thread.
class TargetNaming {
 public:
  /// `clock` must outlive this.
  TargetNaming(const ContainerLabelSettings& settings, const Clock& clock);

  void configure(const ContainerLabelSettings& settings);
  /// Those that have gone leave their slots to others.
  void keep_only(const std::vector<FoundProcess>& found);
  /// `config`: the one by which the process was selected.
  TargetFacts facts_of(const FoundProcess& process, const Config& config);
  /// Why containers have no names; empty: they have.
  std::string problem() const { return container_labels_.problem(); }

 private:
  const Clock& clock_;
  ContainerLabels container_labels_;
  SlotTable slots_;
};

}  // namespace loopscope
