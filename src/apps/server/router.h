#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "apps/server/http_message.h"

namespace loopscope::server {

/// Finds the handler of a request by its path. Answers 404 and 405 itself.
class Router {
 public:
  /// GET (and HEAD) of exactly `path`, or of everything below it if it ends with '/' and is
  /// not "/".
  void get(std::string path, RequestHandler handler);
  void route(const HttpRequest& request, Reply reply) const;

 private:
  struct Route {
    std::string path;
    RequestHandler handler;
  };
  std::vector<Route> routes_;
};

}  // namespace loopscope::server
