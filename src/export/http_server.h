#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "core/snapshot.h"
#include "export/http_router.h"

namespace loopscope {

struct HttpServerOptions {
  std::string listen = "127.0.0.1:15667";  ///< IP:PORT; port 0 picks a free one
  int threads = 4;                         ///< requests answered at the same time
  /// Names besides IP addresses and localhost that a server on a loopback address
  /// answers to; see HostPolicy. Other addresses answer to every name.
  std::vector<std::string> allowed_hosts;
  /// Takes the web server's own messages; called from HTTP threads. Empty: dropped.
  std::function<void(std::string)> log;
};

/// The exporter's HTTP endpoints (docs/http.md). Plain HTTP only, never TLS. Answers
/// in threads of its own, in which all signals are blocked; SIGPIPE becomes ignored
/// in the whole process. Every connection carries one request.
class HttpServer {
 public:
  /// Listens at once. Fails if the address is bad or taken, naming it and why.
  /// `provider` and what the callbacks touch must outlive the server.
  static Result<std::unique_ptr<HttpServer>> start(const HttpServerOptions& options,
                                                   SnapshotProvider& provider,
                                                   HttpCallbacks callbacks);

  /// Ends once requests under way have been answered or broken off.
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  /// HOST:PORT it really listens on.
  std::string address() const;

 private:
  class Impl;
  explicit HttpServer(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

}  // namespace loopscope
