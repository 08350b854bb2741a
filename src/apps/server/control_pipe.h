#pragma once

#include <uv.h>

#include <array>
#include <functional>
#include <string>

namespace loopscope::server {

/// A worker's end of the pipe to its supervisor: announces where its metrics are, and tells
/// when the supervisor is gone or wants the end.
class ControlPipe {
 public:
  ControlPipe(uv_loop_t* loop, int fd, std::string announcement, std::function<void()> on_end)
      : announcement_(std::move(announcement)), on_end_(std::move(on_end)) {
    uv_pipe_init(loop, &pipe_, 0);
    pipe_.data = this;
    auto* stream = reinterpret_cast<uv_stream_t*>(&pipe_);
    if (uv_pipe_open(&pipe_, fd) != 0) return;
    const uv_buf_t buffer =
        uv_buf_init(announcement_.data(), static_cast<unsigned>(announcement_.size()));
    uv_write(&write_, stream, &buffer, 1, [](uv_write_t*, int) {});
    uv_read_start(
        stream,
        [](uv_handle_t* handle, std::size_t, uv_buf_t* out) {
          auto& input = static_cast<ControlPipe*>(handle->data)->input_;
          *out = uv_buf_init(input.data(), static_cast<unsigned>(input.size()));
        },
        [](uv_stream_t* ended, ssize_t length, const uv_buf_t*) {
          if (length >= 0) return;
          uv_read_stop(ended);
          static_cast<ControlPipe*>(ended->data)->on_end_();
        });
  }
  ControlPipe(const ControlPipe&) = delete;
  ControlPipe& operator=(const ControlPipe&) = delete;

  void close() { uv_close(reinterpret_cast<uv_handle_t*>(&pipe_), nullptr); }

 private:
  uv_pipe_t pipe_{};
  uv_write_t write_{};
  std::array<char, 16> input_{};
  std::string announcement_;
  std::function<void()> on_end_;
};

}  // namespace loopscope::server
