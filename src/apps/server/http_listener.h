#pragma once

#include <uv.h>

#include <memory>
#include <string>
#include <unordered_map>

#include "apps/server/http_connection.h"
#include "base/listen_address.h"
#include "base/result.h"

namespace loopscope::server {

inline constexpr int kListenBacklog = 511;

/// A bound TCP socket that does not accept yet, for handing to workers.
Result<int> bind_socket(const ListenAddress& address);
/// "127.0.0.1:3000" of a bound socket.
Result<std::string> socket_address(int fd);

/// Accepts HTTP connections on a loop and owns them.
class HttpListener {
 public:
  HttpListener(uv_loop_t* loop, HttpLimits limits, RequestHandler handler);
  /// The loop must have run until drained: see stop().
  ~HttpListener() = default;
  HttpListener(const HttpListener&) = delete;
  HttpListener& operator=(const HttpListener&) = delete;

  /// Takes over a bound socket and accepts from it.
  Result<void> listen(int fd);
  std::size_t connections() const { return connections_.size(); }
  /// Accepts no more; connections end with the answer they are at. `on_drained` is called
  /// when the last is gone.
  void stop(std::function<void()> on_drained);
  /// Ends what stop() left open.
  void abort();

 private:
  void on_connection();
  void on_closed(HttpConnection* connection);
  void check_drained();

  uv_loop_t* loop_;
  HttpLimits limits_;
  RequestHandler handler_;
  uv_tcp_t socket_{};
  std::unordered_map<HttpConnection*, std::shared_ptr<HttpConnection>> connections_;
  std::function<void()> on_drained_;
  bool open_ = false;
};

}  // namespace loopscope::server
