#include "export/http_router.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <exception>
#include <optional>
#include <utility>

#include "export/exposition.h"
#include "export/gzip.h"
#include "export/json_api.h"
#include "export/negotiation.h"
#include "export/prometheus_bridge.h"
#include "export/web_assets.h"

namespace loopscope {
namespace {

constexpr std::size_t kDefaultStalls = 100;
constexpr std::size_t kMaxStalls = 1000;
constexpr std::size_t kWorthCompressing = 1024;
constexpr std::string_view kJson = "application/json; charset=utf-8";

HttpResponse text(int status, std::string_view message) {
  HttpResponse response;
  response.status = status;
  response.body.append(message) += '\n';
  response.headers.emplace_back("Cache-Control", "no-store");
  return response;
}

HttpResponse json(int status, std::string body) {
  HttpResponse response;
  response.status = status;
  response.content_type = kJson;
  response.body = std::move(body);
  response.headers.emplace_back("Cache-Control", "no-store");
  return response;
}

HttpResponse asset(const WebAsset& file) {
  HttpResponse response;
  response.content_type = file.content_type;
  response.body = file.content;
  response.headers.emplace_back("Cache-Control", "no-cache");
  response.headers.emplace_back("Content-Security-Policy",
                                "default-src 'none'; script-src 'self'; style-src 'self'; "
                                "connect-src 'self'; img-src 'self'; base-uri 'none'; "
                                "form-action 'none'; frame-ancestors 'none'; "
                                "require-trusted-types-for 'script'; trusted-types 'none'");
  response.headers.emplace_back("Referrer-Policy", "no-referrer");
  return response;
}

HttpResponse method_not_allowed(std::string_view allow) {
  HttpResponse response = text(405, "method not allowed");
  response.headers.emplace_back("Allow", allow);
  return response;
}

// The value of `name` in a query string, as sent; digits need no decoding.
std::optional<std::string_view> query_value(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    const std::size_t end = query.find('&');
    const std::string_view pair = query.substr(0, end);
    const std::size_t equals = pair.find('=');
    if (pair.substr(0, equals) == name) {
      return equals == std::string_view::npos ? std::string_view{} : pair.substr(equals + 1);
    }
    query = end == std::string_view::npos ? std::string_view{} : query.substr(end + 1);
  }
  return std::nullopt;
}

// The number under `name`, `absent` where there is none; nullopt: not a number.
std::optional<std::uint64_t> query_number(std::string_view query, std::string_view name,
                                          std::uint64_t absent) {
  const auto value = query_value(query, name);
  if (!value) return absent;
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(value->begin(), value->end(), number);
  if (error != std::errc{} || end != value->end()) return std::nullopt;
  return number;
}

// The host of "host", "host:port" or "[v6]:port".
std::string_view without_port(std::string_view host) {
  if (host.starts_with('[')) {
    const std::size_t end = host.find(']');
    return end == std::string_view::npos ? host : host.substr(1, end - 1);
  }
  return host.substr(0, host.find(':'));
}

bool is_address(const std::string& host) {
  std::array<unsigned char, sizeof(in6_addr)> parsed{};
  return inet_pton(AF_INET, host.c_str(), parsed.data()) == 1 ||
         inet_pton(AF_INET6, host.c_str(), parsed.data()) == 1;
}

// Browsers tell where a request comes from; command-line clients send neither header.
bool from_another_site(const HttpRequest& request) {
  if (!request.sec_fetch_site.empty() && request.sec_fetch_site != "same-origin" &&
      request.sec_fetch_site != "none") {
    return true;
  }
  return !request.origin.empty() && request.origin != "http://" + request.host;
}

/// Who keeps the series of this scrape, as far as it can be told; empty: nobody, as a person who
/// looks once.
std::string scraper_of(const HttpRequest& request) {
  if (request.scrape_timeout.empty() || request.method != "GET") return {};
  constexpr std::size_t kEnough = 128;
  return request.peer + ' ' + request.scrape_timeout.substr(0, kEnough) + ' ' +
         request.user_agent.substr(0, kEnough);
}

void compress(const HttpRequest& request, HttpResponse& response) {
  if (response.body.size() < kWorthCompressing) return;
  response.headers.emplace_back("Vary", "Accept, Accept-Encoding");
  if (!accepts_gzip(request.accept_encoding)) return;
  Result<std::string> packed = gzip(response.body);
  if (!packed.ok()) return;  // uncompressed is as good an answer
  response.body = std::move(packed).value();
  response.headers.emplace_back("Content-Encoding", "gzip");
}

}  // namespace

HttpRouter::HttpRouter(SnapshotProvider& provider, HttpCallbacks callbacks, HostPolicy hosts)
    : provider_(provider),
      callbacks_(std::move(callbacks)),
      hosts_(std::move(hosts)),
      newborn_(std::make_unique<NewbornCounters>(clock_.now())) {}

HttpResponse HttpRouter::handle(const HttpRequest& request) const {
  HttpResponse response;
  try {
    response = route(request);
    compress(request, response);
  } catch (const std::exception& e) {
    response = text(500, std::string("internal error: ") + e.what());
  } catch (...) {
    response = text(500, "internal error");
  }
  response.headers.emplace_back("X-Content-Type-Options", "nosniff");
  return response;
}

HttpResponse HttpRouter::route(const HttpRequest& request) const {
  if (!host_allowed(request.host)) {
    return text(403, "this Host is not served here; use the IP address or localhost");
  }
  if (auto refused = refusal(request)) return *std::move(refused);
  if (request.path == "/-/reload") {
    return request.method == "POST" ? reload(request) : method_not_allowed("POST");
  }
  const WebAsset* file = find_web_asset(request.path);
  const bool known = file != nullptr || request.path == "/metrics" ||
                     request.path == "/api/v1/loops" || request.path == "/api/v1/stalls" ||
                     request.path == "/-/healthy" || request.path == "/-/ready";
  if (!known) return text(404, "not found");
  if (request.method != "GET" && request.method != "HEAD") return method_not_allowed("GET, HEAD");
  if (file != nullptr) return asset(*file);
  if (request.path == "/metrics") return metrics(request);
  if (request.path == "/api/v1/loops") return loops();
  if (request.path == "/api/v1/stalls") return stalls(request);
  if (request.path == "/-/ready") return ready();
  return text(200, "healthy");
}

std::optional<HttpResponse> HttpRouter::refusal(const HttpRequest& request) const {
  const Admission admission =
      callbacks_.admit ? callbacks_.admit(request.authorization) : Admission{};
  if (admission.verdict == Admission::Verdict::kAdmitted) return std::nullopt;
  if (admission.verdict == Admission::Verdict::kClosed) {
    // It tells nothing, and who restarts what does not answer would restart this for nothing.
    if (request.path == "/-/healthy") return std::nullopt;
    return text(503, "closed: the password file (web_config) is missing, or was refused since");
  }
  if (admission.verdict == Admission::Verdict::kTryLater) {
    HttpResponse response = text(429, "too many passwords to check; try again later");
    response.headers.emplace_back("Retry-After", std::to_string(admission.retry_after.count()));
    return response;
  }
  HttpResponse response = text(401, "user name and password required");
  response.headers.emplace_back("WWW-Authenticate", "Basic realm=\"loopscope\", charset=\"UTF-8\"");
  return response;
}

HttpResponse HttpRouter::metrics(const HttpRequest& request) const {
  const SeriesOptions options =
      callbacks_.series_options ? callbacks_.series_options() : SeriesOptions{};
  auto families = scrape_families(provider_.snapshot(), read_process_stats(), options);
  if (const std::string scraper = scraper_of(request); !scraper.empty()) {
    newborn_->hold(scraper, families, clock_.now());
  }
  HttpResponse response;
  if (prefers_open_metrics(request.accept)) {
    response.content_type = kOpenMetricsContentType;
    response.body = open_metrics_exposition(families);
  } else {
    response.content_type = kTextContentType;
    response.body = text_exposition(families);
  }
  return response;
}

HttpResponse HttpRouter::loops() const {
  const Snapshot snapshot = provider_.snapshot();
  return json(200, loops_json(snapshot, std::chrono::system_clock::now()));
}

HttpResponse HttpRouter::stalls(const HttpRequest& request) const {
  const auto limit = query_number(request.query, "limit", kDefaultStalls);
  if (!limit || *limit < 1 || *limit > kMaxStalls) {
    return json(400, error_json("limit must be a number from 1 to " + std::to_string(kMaxStalls)));
  }
  const auto since = query_number(request.query, "since", 0);
  if (!since) return json(400, error_json("since must be the id of a stall"));
  std::vector<StallRecord> stalls = provider_.stalls(*limit);
  std::erase_if(stalls, [&](const StallRecord& stall) { return stall.id <= *since; });
  return json(200, stalls_json(stalls));
}

HttpResponse HttpRouter::ready() const {
  if (callbacks_.ready && !callbacks_.ready()) return text(503, "no target found yet");
  return text(200, "ready");
}

HttpResponse HttpRouter::reload(const HttpRequest& request) const {
  if (from_another_site(request)) return text(403, "reload is not for other web sites");
  if (!callbacks_.reload) return text(501, "nothing to reload: no configuration file in use");
  const Result<void> result = callbacks_.reload();
  return result.ok() ? text(200, "reloaded") : text(500, result.error().message);
}

bool HttpRouter::host_allowed(std::string_view host) const {
  if (hosts_.any || host.empty()) return true;  // browsers always send a Host
  std::string name(without_port(host));
  std::ranges::transform(name, name.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  });
  return name == "localhost" || is_address(name) ||
         std::ranges::find(hosts_.names, name) != hosts_.names.end();
}

}  // namespace loopscope
