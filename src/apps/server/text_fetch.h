#pragma once

#include <uv.h>

#include <chrono>
#include <functional>
#include <string>

#include "base/listen_address.h"
#include "base/result.h"

namespace loopscope::server {

/// GETs `path` from a worker's own HTTP server and calls `done` once with the body of a 200
/// answer, or with why there is none. Bounded in time and size.
void fetch_text(uv_loop_t* loop, const ListenAddress& address, const std::string& path,
                std::chrono::milliseconds timeout, std::function<void(Result<std::string>)> done);

}  // namespace loopscope::server
