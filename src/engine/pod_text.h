#pragma once

#include <string>
#include <utility>
#include <vector>

namespace loopscope {

using ExtraLabels = std::vector<std::pair<std::string, std::string>>;

/// The value of the label; empty: there is none.
std::string label_of(const ExtraLabels& labels, const char* name);

/// What follows a pid in the log: " pod shop/cart-7d9f (server)"; empty where no pod is known.
std::string pod_text(const ExtraLabels& labels);

}  // namespace loopscope
