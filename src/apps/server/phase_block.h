#pragma once

#include <uv.h>

#include <chrono>

#include "apps/server/http_message.h"
#include "apps/server/spin.h"
#include "loopscope/phase.h"

namespace loopscope::server {

/// Blocks the loop for `time` inside a callback of exactly `phase`, within the next turn or
/// two, then answers with what it did. False if no callback can be had in that phase
/// (poll_wait, unknown).
bool block_in_phase(uv_loop_t* loop, Phase phase, std::chrono::milliseconds time, BlockMode mode,
                    Reply reply);

}  // namespace loopscope::server
