#include "apps/server/stop_signals.h"

#include <csignal>
#include <utility>

namespace loopscope::server {

StopSignals::StopSignals(uv_loop_t* loop, std::function<void()> on_signal)
    : on_signal_(std::move(on_signal)) {
  std::signal(SIGPIPE, SIG_IGN);
  const auto watch = [&](uv_signal_t& handle, int number) {
    uv_signal_init(loop, &handle);
    handle.data = this;
    uv_signal_start(
        &handle,
        [](uv_signal_t* signal, int) { static_cast<StopSignals*>(signal->data)->on_signal_(); },
        number);
  };
  watch(terminate_, SIGTERM);
  watch(interrupt_, SIGINT);
}

void StopSignals::close() {
  uv_close(reinterpret_cast<uv_handle_t*>(&terminate_), nullptr);
  uv_close(reinterpret_cast<uv_handle_t*>(&interrupt_), nullptr);
}

}  // namespace loopscope::server
