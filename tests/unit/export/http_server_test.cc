#include "export/http_server.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "base/unique_fd.h"
#include "export/bind_address.h"
#include "export/exposition.h"
#include "unit/export/sample_snapshot.h"

namespace loopscope {
namespace {

using std::chrono::seconds;
using std::chrono::steady_clock;
using testing::HasSubstr;
using testing::StartsWith;

constexpr int kPatienceMs = 30000;

UniqueFd connect_to(const std::string& address) {
  const auto parsed = BindAddress::parse(address).value();
  UniqueFd fd;
  int status = -1;
  if (parsed.is_v6()) {
    sockaddr_in6 to{};
    to.sin6_family = AF_INET6;
    to.sin6_port = htons(parsed.port);
    inet_pton(AF_INET6, parsed.host.c_str(), &to.sin6_addr);
    fd.reset(socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
    status = connect(fd.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to);
  } else {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(parsed.port);
    inet_pton(AF_INET, parsed.host.c_str(), &to.sin_addr);
    fd.reset(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    status = connect(fd.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to);
  }
  EXPECT_EQ(status, 0) << address;
  return fd;
}

void send_all(const UniqueFd& fd, const std::string& data) {
  for (std::size_t at = 0; at < data.size();) {
    const ssize_t sent = send(fd.get(), data.data() + at, data.size() - at, MSG_NOSIGNAL);
    if (sent <= 0) return;  // the server may have seen enough
    at += static_cast<std::size_t>(sent);
  }
}

std::string read_to_end(const UniqueFd& fd) {
  std::string out;
  for (;;) {
    pollfd ready{fd.get(), POLLIN, 0};
    if (poll(&ready, 1, kPatienceMs) != 1) return out + " (timed out)";
    char buffer[16384];
    const ssize_t size = recv(fd.get(), buffer, sizeof buffer, 0);
    if (size <= 0) return out;
    out.append(buffer, static_cast<std::size_t>(size));
  }
}

std::string ask(const std::string& address, const std::string& request) {
  const UniqueFd fd = connect_to(address);
  send_all(fd, request);
  return read_to_end(fd);
}

std::string get(const std::string& address, const std::string& path,
                const std::string& headers = "") {
  return ask(address, "GET " + path + " HTTP/1.1\r\nHost: " + address + "\r\n" + headers + "\r\n");
}

std::string body_of(const std::string& response) {
  const std::size_t end = response.find("\r\n\r\n");
  return end == std::string::npos ? "(no header end)" : response.substr(end + 4);
}

std::unique_ptr<HttpServer> start(SnapshotProvider& provider, HttpServerOptions options = {},
                                  HttpCallbacks callbacks = {}) {
  options.listen = options.listen == HttpServerOptions{}.listen ? "127.0.0.1:0" : options.listen;
  auto server = HttpServer::start(options, provider, std::move(callbacks));
  EXPECT_TRUE(server.ok()) << (server.ok() ? "" : server.error().message);
  return server.ok() ? std::move(server).value() : nullptr;
}

TEST(HttpServer, ServesMetricsWithExactHeaders) {
  test::FixedProvider provider;
  const auto server = start(provider);
  const std::string response = get(server->address(), "/metrics");
  EXPECT_THAT(response, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(response,
              HasSubstr("\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
  EXPECT_THAT(response, HasSubstr("\r\nX-Content-Type-Options: nosniff\r\n"));
  const std::string body = body_of(response);
  EXPECT_THAT(response, HasSubstr("\r\nContent-Length: " + std::to_string(body.size()) + "\r\n"));
  EXPECT_THAT(body, HasSubstr("eventloop_blocked_seconds{process=\"shop\",slot=\"0\","));
}

TEST(HttpServer, ListensOnIpv6OrSaysWhyNot) {
  test::FixedProvider provider;
  HttpServerOptions options;
  options.listen = "[::1]:0";
  const auto server = HttpServer::start(options, provider, {});
  if (server.ok()) {
    EXPECT_THAT(server.value()->address(), StartsWith("[::1]:"));
    EXPECT_THAT(get(server.value()->address(), "/-/healthy"), StartsWith("HTTP/1.1 200"));
  } else {  // as with Debian's civetweb 1.15
    EXPECT_EQ(server.error().message,
              "cannot listen on [::1]:0: the civetweb library of this system was built without "
              "IPv6");
  }
}

TEST(HttpServer, HeadHasTheLengthAndNoBody) {
  test::FixedProvider provider;
  const auto server = start(provider);
  const std::string response = ask(server->address(), "HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_THAT(response, StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(response, testing::ContainsRegex("Content-Length: [1-9]"));
  EXPECT_EQ(body_of(response), "");
}

TEST(HttpServer, RoutesQueryHeadersAndMethod) {
  test::FixedProvider provider;
  std::atomic<int> reloads{0};
  const auto server = start(provider, {},
                            {[] { return false; },
                             [&]() -> Result<void> {
                               ++reloads;
                               return Error{"no such file"};
                             }});
  const std::string at = server->address();
  EXPECT_THAT(get(at, "/-/ready"), StartsWith("HTTP/1.1 503"));
  EXPECT_THAT(get(at, "/api/v1/stalls?limit=x"), StartsWith("HTTP/1.1 400"));
  EXPECT_THAT(get(at, "/nothing/../here"), StartsWith("HTTP/1.1 404"));
  EXPECT_THAT(get(at, "/metrics", "Accept: application/openmetrics-text\r\n"),
              HasSubstr(std::string(kOpenMetricsContentType)));
  EXPECT_THAT(get(at, "/metrics", "Accept-Encoding: gzip\r\n"),
              HasSubstr("\r\nContent-Encoding: gzip\r\n"));
  EXPECT_THAT(ask(at, "POST /-/reload HTTP/1.1\r\nHost: x\r\n\r\n"), StartsWith("HTTP/1.1 403"));
  EXPECT_THAT(
      ask(at, "POST /-/reload HTTP/1.1\r\nHost: " + at + "\r\nOrigin: http://evil.example\r\n\r\n"),
      StartsWith("HTTP/1.1 403"));
  EXPECT_EQ(reloads, 0);
  EXPECT_THAT(ask(at, "POST /-/reload HTTP/1.1\r\nHost: " + at + "\r\n\r\n"),
              testing::AllOf(StartsWith("HTTP/1.1 500"), HasSubstr("no such file")));
  EXPECT_EQ(reloads, 1);
}

TEST(HttpServer, HandsTheAuthorizationOn) {
  test::FixedProvider provider;
  HttpCallbacks callbacks;
  callbacks.admit = [](std::string_view authorization) {
    return authorization == "Basic YTpi" ? Admission{}
                                         : Admission{Admission::Verdict::kUnauthorized};
  };
  const auto server = start(provider, {}, callbacks);
  const std::string at = server->address();
  EXPECT_THAT(get(at, "/metrics", "authorization:  Basic YTpi\r\n"), StartsWith("HTTP/1.1 200"));
  for (const std::string& headers :
       {std::string(), std::string("Authorization: \r\n"), std::string("Authorization\r\n"),
        std::string("Authorization: Basic YTp\0i\r\n", 28),
        "Authorization: Basic " + std::string(10000, 'A') + "\r\n",
        "Authorization: Basic " + std::string(100000, 'A') + "\r\n",
        std::string("Authorization: x\r\nAuthorization: Basic YTpi\r\n"),
        std::string("X-Authorization: Basic YTpi\r\n")}) {
    EXPECT_THAT(get(at, "/metrics", headers), testing::Not(HasSubstr(" 200 OK"))) << headers.size();
  }
  const std::string refused = get(at, "/metrics");
  EXPECT_THAT(refused, StartsWith("HTTP/1.1 401 Unauthorized\r\n"));
  EXPECT_THAT(refused, HasSubstr("\r\nWWW-Authenticate: Basic realm=\"loopscope\","));
  EXPECT_THAT(get(at, "/metrics", "Authorization: Basic YTpi\r\n"), StartsWith("HTTP/1.1 200"));
}

TEST(HttpServer, AddressInUseIsNamedWithTheReason) {
  test::FixedProvider provider;
  const auto first = start(provider);
  HttpServerOptions options;
  options.listen = first->address();
  const auto second = HttpServer::start(options, provider, {});
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().message,
            "cannot listen on " + first->address() + ": Address already in use");
}

TEST(HttpServer, BadOptionsAreErrors) {
  test::FixedProvider provider;
  HttpServerOptions options;
  options.listen = "nowhere";
  EXPECT_FALSE(HttpServer::start(options, provider, {}).ok());
  options.listen = "127.0.0.1:0";
  options.threads = 0;
  EXPECT_FALSE(HttpServer::start(options, provider, {}).ok());
}

TEST(HttpServer, StopsSoonAlsoWithAnIdleClient) {
  test::FixedProvider provider;
  auto server = start(provider);
  const UniqueFd idle = connect_to(server->address());
  const auto begin = steady_clock::now();
  server.reset();
  EXPECT_LT(steady_clock::now() - begin, seconds(10));
}

TEST(HttpServer, ParallelScrapesAllSucceed) {
  test::FixedProvider provider;
  const auto server = start(provider);
  std::atomic<int> good{0};
  std::vector<std::thread> scrapers;
  scrapers.reserve(8);
  for (int t = 0; t < 8; ++t) {
    scrapers.emplace_back([&] {
      for (int i = 0; i < 20; ++i) {
        const std::string response = get(server->address(), "/metrics");
        if (response.starts_with("HTTP/1.1 200") && response.ends_with("\n") &&
            response.find("process_start_time_seconds ") != std::string::npos) {
          ++good;
        }
      }
    });
  }
  for (auto& thread : scrapers) thread.join();
  EXPECT_EQ(good, 160);
}

TEST(HttpServer, IdleClientsDoNotHoldUpAScrape) {
  test::FixedProvider provider;
  HttpServerOptions options;
  options.threads = 2;
  const auto server = start(provider, options);
  // Browsers and scrapers that ask for a kept connection must not occupy the threads.
  std::vector<UniqueFd> kept;
  for (int i = 0; i < 10; ++i) {
    kept.push_back(connect_to(server->address()));
    send_all(kept.back(),
             "GET /-/healthy HTTP/1.1\r\nHost: localhost\r\nConnection: keep-alive\r\n\r\n");
  }
  for (const UniqueFd& fd : kept) {
    EXPECT_THAT(read_to_end(fd), HasSubstr("\r\nConnection: close\r\n"));
  }
  EXPECT_THAT(get(server->address(), "/metrics"), StartsWith("HTTP/1.1 200"));
}

TEST(HttpServer, SilentClientsAreDroppedAndTheServerGoesOn) {
  test::FixedProvider provider;
  HttpServerOptions options;
  options.threads = 1;
  const auto server = start(provider, options);
  const UniqueFd silent = connect_to(server->address());
  send_all(silent, "GET /metr");
  EXPECT_THAT(get(server->address(), "/-/healthy"), StartsWith("HTTP/1.1 200"));
}

TEST(HttpServer, SurvivesAbortedClients) {
  Snapshot big = test::sample_snapshot();
  for (int i = 0; i < 500; ++i) {
    big.loops.push_back(test::busy_loop(1000 + i, "main"));
    big.loops.back().labels.slot = 1 + i;
  }
  test::FixedProvider provider(big);
  const auto server = start(provider);
  for (int i = 0; i < 30; ++i) {
    const UniqueFd fd = connect_to(server->address());
    send_all(fd, "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
    const linger hard{1, 0};  // close() sends RST in the middle of the answer
    setsockopt(fd.get(), SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    char byte = 0;
    if (i % 2 == 0) {
      EXPECT_EQ(recv(fd.get(), &byte, 1, 0), 1);
    }
  }
  const std::string response = get(server->address(), "/metrics");
  EXPECT_THAT(response, StartsWith("HTTP/1.1 200"));
  EXPECT_GT(body_of(response).size(), 1000000U);
}

TEST(HttpServer, RefusesOversizedAndBrokenRequests) {
  test::FixedProvider provider;
  const auto server = start(provider);
  const std::string at = server->address();
  EXPECT_THAT(get(at, "/" + std::string(100000, 'x')), testing::MatchesRegex("HTTP/1.[01] 4.*"));
  EXPECT_THAT(get(at, "/", "X: " + std::string(100000, 'x') + "\r\n"),
              testing::MatchesRegex("HTTP/1.[01] 4.*"));
  std::string many;
  for (int i = 0; i < 500; ++i) many += "X" + std::to_string(i) + ": 1\r\n";
  EXPECT_THAT(get(at, "/", many), testing::AnyOf("", StartsWith("HTTP/1.")));
  for (const char* request :
       {"\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "GET http://[ HTTP/1.1\r\n\r\n",
        "GET * HTTP/1.1\r\n\r\n", "\x16\x03\x01\x02\x01\x01\r\n\r\n"}) {
    EXPECT_THAT(ask(at, request), testing::Not(HasSubstr(" 200 OK"))) << request;
  }
  EXPECT_THAT(get(at, "/-/healthy"), StartsWith("HTTP/1.1 200"));
}

TEST(HttpServer, DoesNotWaitForARequestBody) {
  test::FixedProvider provider;
  const auto server = start(provider, {}, {{}, [] { return Result<void>(); }});
  const UniqueFd fd = connect_to(server->address());
  send_all(fd, "POST /-/reload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000000\r\n\r\n");
  const auto begin = steady_clock::now();
  EXPECT_THAT(read_to_end(fd), StartsWith("HTTP/1.1 200"));
  EXPECT_LT(steady_clock::now() - begin, seconds(4));
}

TEST(HttpServer, ProviderThatThrowsIsA500) {
  test::ThrowingProvider provider;
  const auto server = start(provider);
  EXPECT_THAT(get(server->address(), "/metrics"), StartsWith("HTTP/1.1 500"));
  EXPECT_THAT(get(server->address(), "/api/v1/stalls"), StartsWith("HTTP/1.1 500"));
  EXPECT_THAT(get(server->address(), "/-/healthy"), StartsWith("HTTP/1.1 200"));
}

}  // namespace
}  // namespace loopscope
