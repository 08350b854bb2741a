#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "core/snapshot.h"
#include "export/basic_auth.h"
#include "export/http_message.h"
#include "export/newborn_counters.h"
#include "export/series_options.h"

namespace loopscope {

/// What the endpoints ask of the program around them. Called from HTTP threads,
/// possibly several at once. An empty function counts as "ready", "cannot reload",
/// "nothing besides" or "everybody may ask".
struct HttpCallbacks {
  std::function<bool()> ready;
  std::function<Result<void>()> reload;
  /// What a scrape shows as of now besides what all do.
  std::function<SeriesOptions()> series_options = {};
  /// Whether a request with this Authorization header is answered, whatever its path.
  std::function<Admission(std::string_view authorization)> admit = {};
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
  /// The answer to who may not ask; none: he may.
  std::optional<HttpResponse> refusal(const HttpRequest& request) const;
  HttpResponse metrics(const HttpRequest& request) const;
  HttpResponse loops() const;
  HttpResponse stalls(const HttpRequest& request) const;
  HttpResponse ready() const;
  HttpResponse reload(const HttpRequest& request) const;
  bool host_allowed(std::string_view host) const;

  SnapshotProvider& provider_;
  HttpCallbacks callbacks_;
  HostPolicy hosts_;
  SystemClock clock_;
  std::unique_ptr<NewbornCounters> newborn_;
};

}  // namespace loopscope
