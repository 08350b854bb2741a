#pragma once

#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>

#include <vector>

namespace loopscope {

class SnapshotProvider;

/// Shows a monitor's eventloop_* metrics through a program's own prometheus-cpp
/// exposer: `exposer.RegisterCollectable(collectable)`. It reads copies of the
/// figures, so it answers from another thread while the loop is blocked.
class Collectable final : public prometheus::Collectable {
 public:
  /// `provider` must outlive this object.
  explicit Collectable(SnapshotProvider& provider) : provider_(provider) {}

  /// Never throws (prometheus-cpp ends the process on a throwing Collectable); a
  /// provider that throws leads to an empty result.
  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  SnapshotProvider& provider_;
};

}  // namespace loopscope
