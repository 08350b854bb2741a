#include "apps/server/router.h"

#include <utility>

namespace loopscope::server {

void Router::get(std::string path, RequestHandler handler) {
  routes_.push_back({std::move(path), std::move(handler)});
}

void Router::route(const HttpRequest& request, Reply reply) const {
  for (const Route& route : routes_) {
    const bool prefix = route.path.size() > 1 && route.path.ends_with('/');
    const bool matches = prefix ? request.path.starts_with(route.path) : request.path == route.path;
    if (!matches) continue;
    if (request.method == "GET" || request.method == "HEAD") {
      return route.handler(request, std::move(reply));
    }
    HttpResponse response = error_response(405, "only GET and HEAD are allowed here");
    response.headers.emplace_back("Allow", "GET, HEAD");
    return reply(std::move(response));
  }
  reply(error_response(404, "no such page; see / for what there is"));
}

}  // namespace loopscope::server
