#include "loopscope/collectable.h"

#include "core/snapshot.h"
#include "export/prometheus_bridge.h"

namespace loopscope {

std::vector<prometheus::MetricFamily> Collectable::Collect() const {
  try {
    return loop_families(provider_.snapshot());
  } catch (...) {  // NOLINT(bugprone-empty-catch): nobody to tell; see the header
    return {};
  }
}

}  // namespace loopscope
