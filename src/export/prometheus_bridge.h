#pragma once

#include <prometheus/metric_family.h>

#include <vector>

#include "core/snapshot.h"
#include "export/process_stats.h"
#include "export/series_options.h"

namespace loopscope {

/// The loops, listeners and namespaces of `snapshot` as eventloop_* families: in
/// catalogue order, each name once, families without series left out. Label values
/// are cleaned (label_value()), configured labels with unusable names dropped, and of
/// two entries with equal labels only the first is shown. All series there are (SeriesOptions),
/// because nothing tells who will ask for them (NewbornCounters).
std::vector<prometheus::MetricFamily> loop_families(const Snapshot& snapshot);

/// All of a scrape: loop_families(), the processes, this exporter's own figures, and the loops
/// once more under the names asked for.
std::vector<prometheus::MetricFamily> scrape_families(const Snapshot& snapshot,
                                                      const ProcessStats& process,
                                                      const SeriesOptions& options = {});

}  // namespace loopscope
