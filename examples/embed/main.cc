// Measures its own event loop and serves the figures while it runs.
#include <loopscope/loop_monitor.h>
#include <loopscope/metrics_server.h>
#include <uv.h>

#include <cstdio>

int main() {
  uv_loop_t* loop = uv_default_loop();
  loopscope::LoopMonitor monitor(loop, {.process = "my-server"});
  loopscope::MetricsServer metrics("127.0.0.1:0", monitor);
  std::printf("%s\n",
              metrics.error().empty() ? metrics.address().c_str() : metrics.error().c_str());
  std::fflush(stdout);

  // The program itself: here, something to do for two seconds.
  uv_timer_t timer;
  uv_timer_init(loop, &timer);
  uv_timer_start(
      &timer, [](uv_timer_t*) {}, 2000, 0);
  return uv_run(loop, UV_RUN_DEFAULT);
}
