#pragma once

#include "core/snapshot.h"
#include "export/family_builder.h"

namespace loopscope {

/// Names of other monitors under which a scrape shows the loops of Node processes as well,
/// so that dashboards made for them work. What differs: docs/compatibility.md.
struct CompatibleNames {
  bool prom_client = false;
  bool opentelemetry = false;
};

/// The series of `loop` under those names; none if it is not Node's. `base`: its labels.
void add_compatible_metrics(FamilyBuilder& out, const FamilyBuilder::Labels& base,
                            const LoopSnapshot& loop, CompatibleNames names);

}  // namespace loopscope
