#include "apps/server/http_connection.h"

#include <utility>

namespace loopscope::server {
namespace {

HttpConnection& connection_of(void* data) { return *static_cast<HttpConnection*>(data); }

}  // namespace

HttpConnection::HttpConnection(const HttpLimits& limits, RequestHandler handler,
                               std::function<void(HttpConnection*)> on_closed)
    : limits_(limits), handler_(std::move(handler)), on_closed_(std::move(on_closed)) {
  http_parser_init(&parser_, HTTP_REQUEST);
  parser_.data = this;
}

const http_parser_settings& HttpConnection::settings() {
  static const http_parser_settings callbacks = [] {
    http_parser_settings s;
    http_parser_settings_init(&s);
    s.on_message_begin = [](http_parser* parser) {
      auto& self = connection_of(parser->data);
      self.message_begun_ = true;
      self.target_.clear();
      self.body_bytes_ = 0;
      return 0;
    };
    s.on_url = [](http_parser* parser, const char* data, std::size_t length) {
      return connection_of(parser->data).append_target(data, length);
    };
    s.on_headers_complete = [](http_parser* parser) {
      return connection_of(parser->data).on_headers_complete();
    };
    s.on_body = [](http_parser* parser, const char*, std::size_t length) {
      return connection_of(parser->data).on_body(length);
    };
    s.on_message_complete = [](http_parser* parser) {
      http_parser_pause(parser, 1);
      return 0;
    };
    return s;
  }();
  return callbacks;
}

bool HttpConnection::accept(uv_stream_t* listener) {
  socket_.data = timer_.data = write_.data = this;
  uv_tcp_init(listener->loop, &socket_);
  uv_timer_init(listener->loop, &timer_);
  handles_open_ = 2;
  if (uv_accept(listener, reinterpret_cast<uv_stream_t*>(&socket_)) != 0) {
    close();
    return false;
  }
  uv_tcp_nodelay(&socket_, 1);
  arm(limits_.receive_timeout);
  parse_more();
  return true;
}

void HttpConnection::refuse() { fail(503, "too many connections"); }

void HttpConnection::arm(std::chrono::milliseconds timeout) {
  uv_timer_start(
      &timer_, [](uv_timer_t* timer) { connection_of(timer->data).close(); },
      static_cast<std::uint64_t>(timeout.count()), 0);
}

int HttpConnection::append_target(const char* data, std::size_t length) {
  if (target_.size() + length > limits_.max_target_bytes) {
    failure_ = 414;
    return 1;
  }
  target_.append(data, length);
  return 0;
}

int HttpConnection::on_headers_complete() {
  const bool has_length = (parser_.flags & F_CONTENTLENGTH) != 0;
  if (has_length && parser_.content_length > limits_.max_body_bytes) {
    failure_ = 413;
    return -1;
  }
  return 0;
}

int HttpConnection::on_body(std::size_t length) {
  body_bytes_ += length;
  if (body_bytes_ <= limits_.max_body_bytes) return 0;
  failure_ = 413;
  return 1;
}

void HttpConnection::parse_more() {
  if (state_ != State::kReading) return;
  if (!unparsed_.empty()) {
    const std::size_t parsed =
        http_parser_execute(&parser_, &settings(), unparsed_.data(), unparsed_.size());
    const http_errno error = HTTP_PARSER_ERRNO(&parser_);
    if (error == HPE_PAUSED) {
      http_parser_pause(&parser_, 0);
      unparsed_.erase(0, parsed);
      return on_message_complete();
    }
    if (error == HPE_HEADER_OVERFLOW) return fail(431, "request head too large");
    if (error != HPE_OK) {
      const int status = failure_ != 0 ? failure_ : 400;
      return fail(status, status == 413   ? "request body too large"
                          : status == 414 ? "request target too long"
                                          : http_errno_description(error));
    }
    unparsed_.clear();
  }
  if (ended_by_client_ || (finishing_ && !message_begun_)) return close();
  if (reading_) return;
  reading_ = true;
  uv_read_start(
      reinterpret_cast<uv_stream_t*>(&socket_),
      [](uv_handle_t* handle, std::size_t, uv_buf_t* buffer) {
        auto& input = connection_of(handle->data).input_;
        *buffer = uv_buf_init(input.data(), static_cast<unsigned>(input.size()));
      },
      [](uv_stream_t* stream, ssize_t length, const uv_buf_t*) {
        const auto self = connection_of(stream->data).shared_from_this();
        self->on_read(length);
      });
}

void HttpConnection::on_read(ssize_t length) {
  if (length == UV_EOF) {
    ended_by_client_ = true;
    uv_read_stop(reinterpret_cast<uv_stream_t*>(&socket_));
    reading_ = false;
    // A client may shut its side down and still wait for an answer under way.
    if (state_ == State::kReading) close();
    return;
  }
  if (length < 0) return close();
  if (state_ == State::kReading && !message_begun_) arm(limits_.receive_timeout);
  unparsed_.append(input_.data(), static_cast<std::size_t>(length));
  if (state_ == State::kReading) return parse_more();
  // More than one buffer of pipelined requests waits: let the kernel hold the rest.
  if (unparsed_.size() > input_.size()) {
    uv_read_stop(reinterpret_cast<uv_stream_t*>(&socket_));
    reading_ = false;
  }
}

void HttpConnection::on_message_complete() {
  message_begun_ = false;
  http_1_0_ = parser_.http_major == 1 && parser_.http_minor == 0;
  // A wish to upgrade is ignored, but http_parser cannot go on after it.
  keep_alive_ = http_should_keep_alive(&parser_) != 0 && parser_.upgrade == 0;
  HttpRequest request;
  request.method = http_method_str(static_cast<http_method>(parser_.method));
  head_only_ = request.method == "HEAD";
  if (!parse_target(target_, request)) return fail(400, "malformed request target");
  state_ = State::kAnswering;
  uv_timer_stop(&timer_);
  const std::weak_ptr<HttpConnection> weak = weak_from_this();
  handler_(request, [weak](const HttpResponse& response) {
    const auto self = weak.lock();
    if (self && self->state_ == State::kAnswering) self->send(response);
  });
}

void HttpConnection::fail(int status, std::string_view message) {
  if (state_ == State::kClosing) return;
  unparsed_.clear();
  keep_alive_ = false;
  state_ = State::kAnswering;
  send(error_response(status, message));
}

void HttpConnection::send(const HttpResponse& response) {
  state_ = State::kWriting;
  if (finishing_) keep_alive_ = false;
  output_ = serialize(response, head_only_, keep_alive_, http_1_0_);
  arm(limits_.send_timeout);
  const uv_buf_t buffer = uv_buf_init(output_.data(), static_cast<unsigned>(output_.size()));
  const int error = uv_write(&write_, reinterpret_cast<uv_stream_t*>(&socket_), &buffer, 1,
                             [](uv_write_t* write, int status) {
                               const auto self = connection_of(write->data).shared_from_this();
                               self->on_written(status);
                             });
  if (error != 0) close();
}

void HttpConnection::on_written(int status) {
  if (state_ == State::kClosing) return;
  if (status != 0 || !keep_alive_ || finishing_) return close();
  state_ = State::kReading;
  arm(unparsed_.empty() ? limits_.keep_alive_timeout : limits_.receive_timeout);
  parse_more();
}

void HttpConnection::finish() {
  finishing_ = true;
  if (state_ == State::kReading && !message_begun_ && unparsed_.empty()) close();
}

void HttpConnection::close() {
  if (state_ == State::kClosing) return;
  state_ = State::kClosing;
  const auto on_handle_closed = [](uv_handle_t* handle) {
    auto& self = connection_of(handle->data);
    if (--self.handles_open_ == 0) self.on_closed_(&self);
  };
  uv_close(reinterpret_cast<uv_handle_t*>(&socket_), on_handle_closed);
  uv_close(reinterpret_cast<uv_handle_t*>(&timer_), on_handle_closed);
}

}  // namespace loopscope::server
