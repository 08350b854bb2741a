#pragma once

#include <string>

namespace loopscope {

/// docs/metrics.md, made from the metric catalogue.
std::string metrics_doc();

}  // namespace loopscope
