#pragma once

#include <uv.h>

#include <functional>

namespace loopscope::server {

/// Calls back on SIGTERM and SIGINT, on the loop thread, and ignores SIGPIPE.
class StopSignals {
 public:
  StopSignals(uv_loop_t* loop, std::function<void()> on_signal);
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;
  /// Lets the loop end; the object must live until it has.
  void close();

 private:
  uv_signal_t terminate_{}, interrupt_{};
  std::function<void()> on_signal_;
};

}  // namespace loopscope::server
