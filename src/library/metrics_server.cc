#include "loopscope/metrics_server.h"

#include <utility>

#include "export/http_server.h"
#include "loopscope/loop_monitor.h"

namespace loopscope {

class MetricsServer::Impl {
 public:
  std::unique_ptr<HttpServer> server;
};

MetricsServer::MetricsServer(const std::string& listen, LoopMonitor& monitor)
    : impl_(std::make_unique<Impl>()) {
  HttpServerOptions options;
  options.listen = listen;
  auto started = HttpServer::start(options, monitor.snapshots(), {});
  if (started) {
    impl_->server = std::move(*started);
  } else {
    error_ = started.error().message;
  }
}

MetricsServer::~MetricsServer() = default;

std::string MetricsServer::address() const {
  return impl_->server ? impl_->server->address() : std::string();
}

}  // namespace loopscope
