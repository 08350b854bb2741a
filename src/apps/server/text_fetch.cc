#include "apps/server/text_fetch.h"

#include <array>
#include <utility>

namespace loopscope::server {
namespace {

constexpr std::size_t kMaxAnswerBytes = std::size_t{8} << 20;

/// One fetch under way; owns itself until its handles are closed.
class TextFetch {
 public:
  TextFetch(std::string request, std::function<void(Result<std::string>)> done)
      : request_(std::move(request)), done_(std::move(done)) {}

  void start(uv_loop_t* loop, const ListenAddress& address, std::chrono::milliseconds timeout) {
    socket_.data = timer_.data = connect_.data = write_.data = this;
    uv_tcp_init(loop, &socket_);
    uv_timer_init(loop, &timer_);
    uv_timer_start(
        &timer_, [](uv_timer_t* timer) { of(timer).finish(Error{"no answer in time"}); },
        static_cast<std::uint64_t>(timeout.count()), 0);
    sockaddr_in to{};
    int error = uv_ip4_addr(address.host.c_str(), address.port, &to);
    if (error == 0) {
      error = uv_tcp_connect(
          &connect_, &socket_, reinterpret_cast<const sockaddr*>(&to),
          [](uv_connect_t* connect, int status) { of(connect).on_connected(status); });
    }
    if (error != 0) finish(Error{uv_strerror(error)});
  }

 private:
  template <typename Handle>
  static TextFetch& of(Handle* handle) {
    return *static_cast<TextFetch*>(handle->data);
  }

  void on_connected(int status) {
    if (finished_) return;
    if (status != 0) return finish(Error{uv_strerror(status)});
    const uv_buf_t buffer = uv_buf_init(request_.data(), static_cast<unsigned>(request_.size()));
    uv_write(&write_, reinterpret_cast<uv_stream_t*>(&socket_), &buffer, 1,
             [](uv_write_t* write, int error) {
               if (error != 0) of(write).finish(Error{uv_strerror(error)});
             });
    uv_read_start(
        reinterpret_cast<uv_stream_t*>(&socket_),
        [](uv_handle_t* handle, std::size_t, uv_buf_t* buffer_out) {
          auto& input = of(handle).input_;
          *buffer_out = uv_buf_init(input.data(), static_cast<unsigned>(input.size()));
        },
        [](uv_stream_t* stream, ssize_t length, const uv_buf_t*) { of(stream).on_read(length); });
  }

  void on_read(ssize_t length) {
    if (length == UV_EOF) return finish(body());
    if (length < 0) return finish(Error{uv_strerror(static_cast<int>(length))});
    answer_.append(input_.data(), static_cast<std::size_t>(length));
    if (answer_.size() > kMaxAnswerBytes) finish(Error{"answer too large"});
  }

  /// The answer is HTTP/1.0 style: a head, then the body until the end.
  Result<std::string> body() const {
    const std::size_t head = answer_.find("\r\n\r\n");
    const std::size_t space = answer_.find(' ');
    if (head == std::string::npos || space == std::string::npos) return Error{"broken answer"};
    if (answer_.compare(space + 1, 3, "200") != 0) {
      return Error{"answer " + answer_.substr(space + 1, 3)};
    }
    return answer_.substr(head + 4);
  }

  void finish(Result<std::string> result) {
    if (finished_) return;
    finished_ = true;
    const auto on_closed = [](uv_handle_t* handle) {
      TextFetch& self = of(handle);
      if (--self.handles_open_ == 0) delete &self;
    };
    uv_close(reinterpret_cast<uv_handle_t*>(&socket_), on_closed);
    uv_close(reinterpret_cast<uv_handle_t*>(&timer_), on_closed);
    done_(std::move(result));
  }

  uv_tcp_t socket_{};
  uv_timer_t timer_{};
  uv_connect_t connect_{};
  uv_write_t write_{};
  std::array<char, 64 * 1024> input_{};
  std::string request_, answer_;
  std::function<void(Result<std::string>)> done_;
  int handles_open_ = 2;
  bool finished_ = false;
};

}  // namespace

void fetch_text(uv_loop_t* loop, const ListenAddress& address, const std::string& path,
                std::chrono::milliseconds timeout, std::function<void(Result<std::string>)> done) {
  const std::string request =
      "GET " + path + " HTTP/1.0\r\nHost: " + address.to_string() + "\r\n\r\n";
  auto* fetch = new TextFetch(request, std::move(done));
  fetch->start(loop, address, timeout);  // deletes itself
}

}  // namespace loopscope::server
