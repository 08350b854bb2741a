#pragma once

#include <memory>
#include <string>

namespace loopscope {

class LoopMonitor;

/// Serves a monitor's figures over HTTP like the loopscope exporter does: /metrics, the live
/// page, /api/v1/loops and /api/v1/stalls. It answers in threads of its own, so also while
/// the loop is blocked. For a program that has an endpoint already there is Collectable.
class MetricsServer {
 public:
  /// Listens at once on `listen`, an IP address and a port ("127.0.0.1:9000", "[::1]:0");
  /// port 0 picks a free one. Whether that worked tells error(). `monitor` must outlive it.
  MetricsServer(const std::string& listen, LoopMonitor& monitor);
  ~MetricsServer();
  MetricsServer(const MetricsServer&) = delete;
  MetricsServer& operator=(const MetricsServer&) = delete;

  /// Why it does not listen; empty if it does.
  const std::string& error() const { return error_; }
  /// HOST:PORT it listens on; empty if it does not.
  std::string address() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
  std::string error_;
};

}  // namespace loopscope
