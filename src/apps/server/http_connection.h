#pragma once

#include <http_parser.h>
#include <uv.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "apps/server/http_message.h"

namespace loopscope::server {

struct HttpLimits {
  std::size_t max_connections = 1024;
  std::size_t max_target_bytes = 2048;
  std::uint64_t max_body_bytes = 64 * 1024;              ///< bodies are read and dropped
  std::chrono::milliseconds receive_timeout{10'000};     ///< for one whole request
  std::chrono::milliseconds keep_alive_timeout{15'000};  ///< between two requests
  std::chrono::milliseconds send_timeout{30'000};
};
/// http_parser's limit on a request's head is one number for the process.
inline constexpr std::uint32_t kMaxHeadBytes = 16 * 1024;

/// One client connection: reads requests one after the other and answers each before it
/// looks at the next (pipelined ones wait unparsed).
class HttpConnection : public std::enable_shared_from_this<HttpConnection> {
 public:
  /// `on_closed` is called once when the socket is closed; the owner then lets go.
  HttpConnection(const HttpLimits& limits, RequestHandler handler,
                 std::function<void(HttpConnection*)> on_closed);
  HttpConnection(const HttpConnection&) = delete;
  HttpConnection& operator=(const HttpConnection&) = delete;

  /// Accepts from `listener`. False if that fails; on_closed still follows.
  bool accept(uv_stream_t* listener);
  /// Answers 503 and closes.
  void refuse();
  /// No further requests: closes now if none is being answered, else after the answer.
  void finish();
  void close();

 private:
  enum class State { kReading, kAnswering, kWriting, kClosing };

  void on_read(ssize_t length);
  void parse_more();
  void on_message_complete();
  void fail(int status, std::string_view message);
  void send(const HttpResponse& response);
  void on_written(int status);
  void arm(std::chrono::milliseconds timeout);
  int append_target(const char* data, std::size_t length);
  int on_headers_complete();
  int on_body(std::size_t length);

  static const http_parser_settings& settings();

  const HttpLimits& limits_;
  RequestHandler handler_;
  std::function<void(HttpConnection*)> on_closed_;
  uv_tcp_t socket_{};
  uv_timer_t timer_{};
  uv_write_t write_{};
  http_parser parser_{};
  State state_ = State::kReading;
  std::array<char, 16 * 1024> input_{};
  std::string unparsed_;  ///< what has been read and not parsed
  std::string output_;
  std::string target_;
  std::uint64_t body_bytes_ = 0;
  int failure_ = 0;  ///< HTTP status to refuse the request with
  bool reading_ = false;
  bool finishing_ = false;
  bool message_begun_ = false;
  bool keep_alive_ = false;
  bool http_1_0_ = false;
  bool head_only_ = false;
  bool ended_by_client_ = false;
  int handles_open_ = 0;
};

}  // namespace loopscope::server
