#pragma once

#include <string_view>

namespace loopscope {

/// Whether a client that sent this Accept header would rather have OpenMetrics 1.0
/// than the text format. Only an explicit mention asks for it; wildcards do not.
bool prefers_open_metrics(std::string_view accept);

/// Whether this Accept-Encoding header allows gzip.
bool accepts_gzip(std::string_view accept_encoding);

}  // namespace loopscope
