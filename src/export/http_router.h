#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "core/snapshot.h"
#include "export/compatible_metrics.h"
#include "export/http_message.h"

namespace loopscope {

/// What the endpoints ask of the program around them. Called from HTTP threads,
/// possibly several at once. An empty function counts as "ready", "cannot reload" or
/// "under no other names".
struct HttpCallbacks {
  std::function<bool()> ready;
  std::function<Result<void>()> reload;
  /// Other names that a scrape shows as of now.
  std::function<CompatibleNames()> compatible_names = {};
};

/// Which Host headers are answered. Against DNS rebinding (a web page whose name is
/// made to resolve to this machine) a loopback server answers IP addresses, localhost
/// and the names given here, nothing else.
struct HostPolicy {
  bool any = false;
  std::vector<std::string> names;
};

/// Answers every request of the exporter; knows HTTP's meaning and no sockets.
/// Thread-safe if the provider and the callbacks are. An exception of theirs becomes
/// a 500.
class HttpRouter {
 public:
  /// `provider` must outlive the router.
  HttpRouter(SnapshotProvider& provider, HttpCallbacks callbacks, HostPolicy hosts);

  HttpResponse handle(const HttpRequest& request) const;

 private:
  HttpResponse route(const HttpRequest& request) const;
  HttpResponse metrics(const HttpRequest& request) const;
  HttpResponse loops() const;
  HttpResponse stalls(const HttpRequest& request) const;
  HttpResponse ready() const;
  HttpResponse reload(const HttpRequest& request) const;
  bool host_allowed(std::string_view host) const;

  SnapshotProvider& provider_;
  HttpCallbacks callbacks_;
  HostPolicy hosts_;
};

}  // namespace loopscope
