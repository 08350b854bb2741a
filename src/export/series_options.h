#pragma once

#include "export/compatible_metrics.h"

namespace loopscope {

/// What a scrape shows that not everybody wants. Small enough to be read and written at once.
struct alignas(4) SeriesOptions {
  CompatibleNames names = {};
  bool pid_label = false;  ///< the pid as one more label: new series with every restart
  bool all = false;        ///< also counters of stalls and phases at 0, and every bucket
};

}  // namespace loopscope
