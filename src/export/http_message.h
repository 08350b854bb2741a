#pragma once

#include <string>
#include <utility>
#include <vector>

namespace loopscope {

/// What the router looks at. Header fields the client did not send are empty.
struct HttpRequest {
  std::string method;
  std::string path;   ///< decoded, without the query
  std::string query;  ///< raw, without '?'
  std::string host;
  std::string origin;
  std::string sec_fetch_site;
  std::string accept;
  std::string accept_encoding;
  std::string authorization;
  std::string user_agent;
  /// Of X-Prometheus-Scrape-Timeout-Seconds, which Prometheus and what scrapes like it send.
  std::string scrape_timeout;
  std::string peer;  ///< the client's IP address
};

struct HttpResponse {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::vector<std::pair<std::string, std::string>> headers;  ///< besides type and length
  std::string body;
};

}  // namespace loopscope
