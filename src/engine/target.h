#pragma once

#include <memory>
#include <mutex>
#include <optional>

#include "core/live_labels.h"
#include "core/snapshot.h"
#include "target/discovery.h"

namespace loopscope {

/// What is known of a process that is watched.
struct TargetFacts {
  LoopLabels labels;  ///< `loop` is empty
  FoundProcess process;
  std::optional<int> port_hint;  ///< the TCP port by which it was selected
};

/// A process that is watched, while it runs one program: after an exec there is another Target
/// under the same id. The discovery thread updates it, any thread may read it.
class Target {
 public:
  explicit Target(TargetFacts facts);

  const ProcessId& id() const { return id_; }
  TargetFacts facts() const;
  /// The labels of now, for what goes on after the asking: stalls to come.
  std::shared_ptr<const LiveLabels> labels() const { return labels_; }
  /// Whether `process`, found later under the same id, is another program: nothing holds then.
  bool has_become_another(const FoundProcess& process) const;

  void update(TargetFacts facts);

 private:
  const ProcessId id_;
  const std::shared_ptr<LiveLabels> labels_;
  mutable std::mutex mutex_;
  TargetFacts facts_;
};

}  // namespace loopscope
