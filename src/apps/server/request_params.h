#pragma once

#include <chrono>
#include <string_view>

#include "apps/server/http_message.h"
#include "apps/server/spin.h"
#include "base/result.h"
#include "loopscope/phase.h"

// Query parameters and what they may be. Errors say what is allowed.

namespace loopscope::server {

/// `ms`: 0 to kMaxBlock; required.
Result<std::chrono::milliseconds> read_block_time(const HttpRequest& request);
/// `phase`: one that has callbacks; required.
Result<Phase> read_phase(const HttpRequest& request);
/// `mode`: spin (default) or sleep.
Result<BlockMode> read_mode(const HttpRequest& request);

}  // namespace loopscope::server
