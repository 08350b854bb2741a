#pragma once

#include <uv.h>

#include <functional>

namespace loopscope::server {

/// Runs `work` on libuv's thread pool, then `done` on the loop thread.
void run_in_pool(uv_loop_t* loop, std::function<void()> work, std::function<void()> done);

}  // namespace loopscope::server
