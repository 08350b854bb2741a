#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace loopscope::server {

struct HttpRequest {
  std::string method;
  std::string path;  ///< decoded, without the query
  std::map<std::string, std::string, std::less<>> query;

  std::string_view param(std::string_view name, std::string_view fallback = {}) const {
    const auto found = query.find(name);
    return found == query.end() ? fallback : std::string_view(found->second);
  }
};

struct HttpResponse {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;

  static HttpResponse json(int status, std::string body) {
    return {status, "application/json", {}, std::move(body)};
  }
};

/// `{"error": message}` as JSON.
HttpResponse error_response(int status, std::string_view message);

/// Sends the answer; to be called once, on the loop thread, now or later. Harmless once the
/// client is gone.
using Reply = std::function<void(HttpResponse)>;
using RequestHandler = std::function<void(const HttpRequest&, Reply)>;

/// The message as it goes over the wire.
std::string serialize(const HttpResponse& response, bool head_only, bool keep_alive, bool http_1_0);

/// Takes a request target ("/block?phase=poll&ms=5") apart. False if it is malformed.
bool parse_target(std::string_view target, HttpRequest& request);

}  // namespace loopscope::server
