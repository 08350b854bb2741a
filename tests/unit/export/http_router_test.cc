#include "export/http_router.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <string_view>

#include "export/exposition.h"
#include "unit/export/sample_snapshot.h"

namespace loopscope {
namespace {

using testing::HasSubstr;

class HttpRouterTest : public testing::Test {
 protected:
  HttpRequest request(std::string method, std::string path, std::string query = "") {
    HttpRequest out;
    out.method = std::move(method);
    out.path = std::move(path);
    out.query = std::move(query);
    out.host = "127.0.0.1:15667";
    return out;
  }
  HttpResponse get(std::string path, std::string query = "") {
    return router_.handle(request("GET", std::move(path), std::move(query)));
  }

  bool is_ready_ = true;
  Result<void> reload_result_;
  int reloads_ = 0;
  CompatibleNames names_;
  test::FixedProvider provider_;
  HttpRouter router_{provider_,
                     {[this] { return is_ready_; },
                      [this] {
                        ++reloads_;
                        return reload_result_;
                      },
                      [this] { return SeriesOptions{names_}; }},
                     {}};
};

std::string header(const HttpResponse& response, const std::string& name) {
  const auto found =
      std::ranges::find(response.headers, name, &std::pair<std::string, std::string>::first);
  return found == response.headers.end() ? "(absent)" : found->second;
}

TEST_F(HttpRouterTest, MetricsHaveTheExactContentType) {
  const HttpResponse response = get("/metrics");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.content_type, "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_THAT(response.body, HasSubstr("# TYPE eventloop_lag_seconds histogram"));
  EXPECT_EQ(header(response, "Vary"), "Accept, Accept-Encoding");
  EXPECT_EQ(header(response, "Content-Encoding"), "(absent)");
}

TEST_F(HttpRouterTest, MetricsShowTheOtherNamesAskedForNow) {
  EXPECT_EQ(get("/metrics").body.find("nodejs_"), std::string::npos);
  names_.prom_client = true;
  EXPECT_THAT(get("/metrics").body, HasSubstr("\nnodejs_eventloop_lag_p99_seconds{"));
  names_ = {.opentelemetry = true};
  const std::string body = get("/metrics").body;
  EXPECT_THAT(body, HasSubstr("\nnodejs_eventloop_delay_p99_seconds{"));
  EXPECT_EQ(body.find("nodejs_eventloop_lag"), std::string::npos);
}

TEST_F(HttpRouterTest, MetricsInOpenMetricsOnRequest) {
  HttpRequest asking = request("GET", "/metrics");
  asking.accept = "application/openmetrics-text; version=1.0.0";
  const HttpResponse response = router_.handle(asking);
  EXPECT_EQ(response.content_type, "application/openmetrics-text; version=1.0.0; charset=utf-8");
  EXPECT_TRUE(response.body.ends_with("# EOF\n"));
}

TEST_F(HttpRouterTest, MetricsPackedOnRequest) {
  HttpRequest asking = request("GET", "/metrics");
  asking.accept_encoding = "gzip";
  const HttpResponse response = router_.handle(asking);
  EXPECT_EQ(header(response, "Content-Encoding"), "gzip");
  EXPECT_TRUE(response.body.starts_with("\x1F\x8B"));
  EXPECT_LT(response.body.size(), get("/metrics").body.size() / 2);
}

TEST_F(HttpRouterTest, LoopsAndStallsAreJson) {
  const HttpResponse loops = get("/api/v1/loops");
  EXPECT_EQ(loops.content_type, "application/json; charset=utf-8");
  EXPECT_EQ(header(loops, "Cache-Control"), "no-store");
  EXPECT_EQ(nlohmann::json::parse(loops.body)["loops"].size(), 2U);
  EXPECT_EQ(nlohmann::json::parse(get("/api/v1/stalls").body).size(), 100U);
  EXPECT_EQ(nlohmann::json::parse(get("/api/v1/stalls", "x=1&limit=3").body).size(), 3U);
  EXPECT_EQ(nlohmann::json::parse(get("/api/v1/stalls", "limit=1000").body).size(), 1000U);
}

TEST_F(HttpRouterTest, BadStallLimitIsAJsonError) {
  for (const char* query : {"limit=", "limit", "limit=0", "limit=-1", "limit=1001", "limit=1x",
                            "limit=99999999999999999999", "limit=%31"}) {
    const HttpResponse response = get("/api/v1/stalls", query);
    EXPECT_EQ(response.status, 400) << query;
    EXPECT_THAT(nlohmann::json::parse(response.body)["error"].get<std::string>(),
                HasSubstr("1000"));
  }
}

TEST_F(HttpRouterTest, StallsSinceAnIdAreTheNewerOnes) {
  // Every stall of the provider has the id 9.
  EXPECT_EQ(nlohmann::json::parse(get("/api/v1/stalls", "limit=3&since=8").body).size(), 3U);
  EXPECT_EQ(get("/api/v1/stalls", "limit=3&since=9").body, "[]");
  EXPECT_EQ(get("/api/v1/stalls", "since=18446744073709551615").body, "[]");
  for (const char* query : {"since=", "since=-1", "since=x", "since=18446744073709551616"}) {
    EXPECT_EQ(get("/api/v1/stalls", query).status, 400) << query;
  }
}

TEST_F(HttpRouterTest, PageMayLoadNothingFromElsewhere) {
  for (const auto& [path, type] :
       std::vector<std::pair<std::string, std::string>>{{"/", "text/html"},
                                                        {"/app.js", "text/javascript"},
                                                        {"/style.css", "text/css"},
                                                        {"/third-party.txt", "text/plain"}}) {
    const HttpResponse response = get(path);
    EXPECT_EQ(response.status, 200) << path;
    EXPECT_EQ(response.content_type, type + "; charset=utf-8");
    EXPECT_THAT(header(response, "Content-Security-Policy"), HasSubstr("default-src 'none'"));
    EXPECT_THAT(header(response, "Content-Security-Policy"),
                HasSubstr("require-trusted-types-for 'script'"));
    EXPECT_EQ(header(response, "X-Content-Type-Options"), "nosniff");
    EXPECT_THAT(response.body, testing::Not(HasSubstr("https://")));
  }
  EXPECT_THAT(get("/app.js").body, testing::Not(testing::ContainsRegex("innerHTML|outerHTML|"
                                                                       "insertAdjacent|eval")));
  EXPECT_THAT(get("/third-party.txt").body, HasSubstr("uplot"));
}

TEST_F(HttpRouterTest, HealthyAlwaysReadyOnceReady) {
  is_ready_ = false;
  EXPECT_EQ(get("/-/healthy").status, 200);
  EXPECT_EQ(get("/-/ready").status, 503);
  is_ready_ = true;
  EXPECT_EQ(get("/-/ready").status, 200);
}

TEST_F(HttpRouterTest, ReloadByPostOnly) {
  const HttpResponse refused = get("/-/reload");
  EXPECT_EQ(refused.status, 405);
  EXPECT_EQ(header(refused, "Allow"), "POST");
  EXPECT_EQ(reloads_, 0);
  EXPECT_EQ(router_.handle(request("POST", "/-/reload")).status, 200);
  EXPECT_EQ(reloads_, 1);
  reload_result_ = Error{"conf.yaml:3:5: unknown key"};
  const HttpResponse failed = router_.handle(request("POST", "/-/reload"));
  EXPECT_EQ(failed.status, 500);
  EXPECT_THAT(failed.body, HasSubstr("conf.yaml:3:5: unknown key"));
}

TEST_F(HttpRouterTest, ReloadRefusesOtherWebSites) {
  HttpRequest post = request("POST", "/-/reload");
  post.origin = "http://evil.example";
  EXPECT_EQ(router_.handle(post).status, 403);
  post.origin = "null";
  EXPECT_EQ(router_.handle(post).status, 403);
  post.origin.clear();
  for (const char* site : {"cross-site", "same-site"}) {
    post.sec_fetch_site = site;
    EXPECT_EQ(router_.handle(post).status, 403) << site;
  }
  EXPECT_EQ(reloads_, 0);
  post.origin = "http://" + post.host;
  post.sec_fetch_site = "same-origin";
  EXPECT_EQ(router_.handle(post).status, 200);
}

TEST_F(HttpRouterTest, ForeignHostNamesAreRefusedOnLoopback) {
  HttpRequest asking = request("GET", "/api/v1/loops");
  for (const char* host : {"evil.example", "evil.example:15667", "127.0.0.1.evil.example",
                           "localhost.evil.example", "[::1", "localhost\\"}) {
    asking.host = host;
    EXPECT_EQ(router_.handle(asking).status, 403) << host;
  }
  for (const char* host :
       {"", "localhost", "LocalHost:15667", "127.0.0.1", "10.1.2.3:80", "[::1]:15667", "[::1]"}) {
    asking.host = host;
    EXPECT_EQ(router_.handle(asking).status, 200) << host;
  }
  asking.host = "box.lan:15667";
  EXPECT_EQ(HttpRouter(provider_, {}, {false, {"box.lan"}}).handle(asking).status, 200);
  EXPECT_EQ(HttpRouter(provider_, {}, {true, {}}).handle(asking).status, 200);
}

TEST_F(HttpRouterTest, WhoMayNotAskGetsNothingWhateverThePath) {
  std::string asked_with;
  Admission admission{Admission::Verdict::kUnauthorized};
  int reloads = 0;
  HttpCallbacks callbacks;
  callbacks.admit = [&](std::string_view authorization) {
    asked_with = authorization;
    return admission;
  };
  callbacks.reload = [&reloads]() -> Result<void> {
    ++reloads;
    return {};
  };
  const HttpRouter guarded(provider_, callbacks, {});
  for (const char* path :
       {"/", "/app.js", "/icon.svg", "/third-party.txt", "/metrics", "/api/v1/loops",
        "/api/v1/stalls", "/-/healthy", "/-/ready", "/-/reload", "/nothing", ""}) {
    for (const char* method : {"GET", "HEAD", "POST", "OPTIONS"}) {
      HttpRequest asking = request(method, path);
      asking.authorization = "Basic x";
      const HttpResponse response = guarded.handle(asking);
      EXPECT_EQ(response.status, 401) << method << ' ' << path;
      EXPECT_EQ(header(response, "WWW-Authenticate"),
                "Basic realm=\"loopscope\", charset=\"UTF-8\"");
      EXPECT_EQ(header(response, "Cache-Control"), "no-store");
      EXPECT_EQ(response.body, "user name and password required\n");
      EXPECT_EQ(asked_with, "Basic x");
    }
  }
  admission = {Admission::Verdict::kTryLater, std::chrono::seconds(8)};
  const HttpResponse later = guarded.handle(request("POST", "/-/reload"));
  EXPECT_EQ(later.status, 429);
  EXPECT_EQ(header(later, "Retry-After"), "8");
  EXPECT_EQ(header(later, "WWW-Authenticate"), "(absent)");
  EXPECT_EQ(reloads, 0);

  admission = {};
  EXPECT_EQ(guarded.handle(request("GET", "/metrics")).status, 200);
  EXPECT_EQ(guarded.handle(request("POST", "/-/reload")).status, 200);
  EXPECT_EQ(reloads, 1);
}

TEST_F(HttpRouterTest, ClosedItTellsOnlyThatItIsAlive) {
  HttpCallbacks callbacks;
  callbacks.admit = [](std::string_view) { return Admission{Admission::Verdict::kClosed}; };
  callbacks.reload = []() -> Result<void> {
    ADD_FAILURE() << "reloaded";
    return {};
  };
  const HttpRouter closed(provider_, callbacks, {});
  for (const char* path : {"/", "/app.js", "/metrics", "/api/v1/loops", "/api/v1/stalls",
                           "/-/ready", "/-/reload", "/-/healthy/", "/nothing", ""}) {
    for (const char* method : {"GET", "POST"}) {
      const HttpResponse response = closed.handle(request(method, path));
      EXPECT_EQ(response.status, 503) << method << ' ' << path;
      EXPECT_EQ(response.body,
                "closed: the password file (web_config) is missing, or was refused since\n");
    }
  }
  EXPECT_EQ(closed.handle(request("GET", "/-/healthy")).status, 200);
  EXPECT_EQ(closed.handle(request("POST", "/-/healthy")).status, 405);
}

TEST_F(HttpRouterTest, AForeignHostIsRefusedBeforeItsPasswordIsLookedAt) {
  HttpCallbacks callbacks;
  bool looked_at = false;
  callbacks.admit = [&looked_at](std::string_view) {
    looked_at = true;
    return Admission{};
  };
  HttpRequest asking = request("GET", "/metrics");
  asking.host = "evil.example";
  EXPECT_EQ(HttpRouter(provider_, callbacks, {}).handle(asking).status, 403);
  EXPECT_FALSE(looked_at);
}

TEST_F(HttpRouterTest, APasswordThatCannotBeCheckedOpensNothing) {
  HttpCallbacks callbacks;
  callbacks.admit = [](std::string_view) -> Admission { throw std::runtime_error("no memory"); };
  EXPECT_EQ(HttpRouter(provider_, callbacks, {}).handle(request("GET", "/metrics")).status, 500);
}

TEST_F(HttpRouterTest, UnknownPathsAndMethods) {
  for (const char* path : {"/metrics/", "/Metrics", "/index.html", "/api/v1", "//", ""}) {
    EXPECT_EQ(get(path).status, 404) << path;
  }
  for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS", "TRACE", ""}) {
    const HttpResponse response = router_.handle(request(method, "/metrics"));
    EXPECT_EQ(response.status, 405) << method;
    EXPECT_EQ(header(response, "Allow"), "GET, HEAD");
  }
}

TEST_F(HttpRouterTest, WithoutCallbacksItIsReadyAndCannotReload) {
  const HttpRouter bare(provider_, {}, {});
  EXPECT_EQ(bare.handle(request("GET", "/-/ready")).status, 200);
  EXPECT_EQ(bare.handle(request("POST", "/-/reload")).status, 501);
}

TEST_F(HttpRouterTest, ExceptionsBecome500) {
  test::ThrowingProvider provider;
  const HttpRouter broken(provider, {}, {});
  const HttpResponse metrics = broken.handle(request("GET", "/metrics"));
  EXPECT_EQ(metrics.status, 500);
  EXPECT_THAT(metrics.body, HasSubstr("no figures"));
  EXPECT_EQ(broken.handle(request("GET", "/api/v1/stalls")).status, 500);
}

}  // namespace
}  // namespace loopscope
