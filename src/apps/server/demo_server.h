#pragma once

#include <uv.h>

#include <functional>

#include "apps/server/compute.h"
#include "apps/server/http_listener.h"
#include "apps/server/router.h"
#include "apps/server/stop_signals.h"
#include "base/result.h"

namespace loopscope::server {

/// How long requests under way may go on after the wish to stop.
inline constexpr std::chrono::milliseconds kGrace{5'000};

/// The demo pages and their shutdown, on one loop. Lives until the loop has ended.
class DemoServer {
 public:
  explicit DemoServer(uv_loop_t* loop);
  DemoServer(const DemoServer&) = delete;
  DemoServer& operator=(const DemoServer&) = delete;

  /// Takes over a bound socket.
  Result<void> listen(int fd) { return listener_.listen(fd); }
  /// Ends gracefully; when already doing so, at once. SIGTERM and SIGINT do the same.
  void stop();
  /// Called when nothing of the server is left on the loop.
  void on_stopped(std::function<void()> callback) { on_stopped_ = std::move(callback); }

 private:
  void on_block(const HttpRequest& request, const Reply& reply);
  void abort();

  uv_loop_t* loop_;
  Compute compute_;
  Router router_;
  HttpListener listener_;
  StopSignals signals_;
  uv_timer_t grace_{};
  std::function<void()> on_stopped_;
  bool stopping_ = false;
};

}  // namespace loopscope::server
