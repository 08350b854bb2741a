#include "export/http_server.h"

#include <civetweb.h>
#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <exception>
#include <mutex>
#include <stop_token>
#include <thread>
#include <utility>

#include "base/guarded.h"
#include "export/bind_address.h"

namespace loopscope {
namespace {

// Bound what a client that reads or writes slowly can hold up.
constexpr char kRequestTimeoutMs[] = "5000";
constexpr std::chrono::seconds kMaxSendTime{10};
constexpr int kSendChunk = 64 * 1024;

std::string header(const mg_connection* connection, const char* name) {
  const char* value = mg_get_header(connection, name);
  return value == nullptr ? "" : value;
}

HttpRequest request_of(const mg_connection* connection) {
  const mg_request_info* info = mg_get_request_info(connection);
  HttpRequest request;
  request.method = info->request_method;
  request.path = info->local_uri;
  if (info->query_string != nullptr) request.query = info->query_string;
  request.host = header(connection, "Host");
  request.origin = header(connection, "Origin");
  request.sec_fetch_site = header(connection, "Sec-Fetch-Site");
  request.accept = header(connection, "Accept");
  request.accept_encoding = header(connection, "Accept-Encoding");
  request.authorization = header(connection, "Authorization");
  request.user_agent = header(connection, "User-Agent");
  request.scrape_timeout = header(connection, "X-Prometheus-Scrape-Timeout-Seconds");
  request.peer = info->remote_addr;
  return request;
}

std::string serialize(const HttpResponse& response, bool with_body, mg_connection* connection) {
  std::string out = "HTTP/1.1 " + std::to_string(response.status) + ' ' +
                    mg_get_response_code_text(connection, response.status) +
                    "\r\nContent-Type: " + response.content_type +
                    "\r\nContent-Length: " + std::to_string(response.body.size()) +
                    "\r\nConnection: close\r\n";
  for (const auto& [name, value] : response.headers) {
    out.append(name).append(": ").append(value).append("\r\n");
  }
  out += "\r\n";
  if (with_body) out += response.body;
  return out;
}

// civetweb bounds the wait for each piece; the sum is bounded here.
void send(mg_connection* connection, const std::string& data) {
  const auto deadline = std::chrono::steady_clock::now() + kMaxSendTime;
  for (std::size_t at = 0; at < data.size() && std::chrono::steady_clock::now() < deadline;) {
    const std::size_t size = std::min<std::size_t>(data.size() - at, kSendChunk);
    const int sent = mg_write(connection, data.data() + at, size);
    if (sent <= 0) return;  // the client is gone
    at += static_cast<std::size_t>(sent);
  }
}

/// Blocks all signals in this thread, and so in those it starts, while it lives.
class SignalBlock {
 public:
  SignalBlock() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalBlock() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalBlock(const SignalBlock&) = delete;
  SignalBlock& operator=(const SignalBlock&) = delete;

 private:
  sigset_t before_{};
};

}  // namespace

class HttpServer::Impl {
 public:
  Impl(HttpRouter router, std::function<void(std::string)> log)
      : router_(std::move(router)), log_(std::move(log)) {}
  ~Impl() { stop(); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  Result<void> listen(BindAddress address, int threads);
  std::string address() const { return address_.to_string(); }

 private:
  void stop() noexcept;
  static int on_request(mg_connection* connection) noexcept;
  static int on_message(const mg_connection* connection, const char* message) noexcept;

  HttpRouter router_;
  std::function<void(std::string)> log_;
  BindAddress address_;
  mg_context* context_ = nullptr;
};

Result<void> HttpServer::Impl::listen(BindAddress address, int threads) {
  static std::once_flag once;
  std::call_once(once, [] { mg_init_library(MG_FEATURES_DEFAULT); });

  address_ = std::move(address);
  if (address_.is_v6() && mg_check_feature(MG_FEATURES_IPV6) == 0) {
    return Error{"cannot listen on " + address_.to_string() +
                 ": the civetweb library of this system was built without IPv6"};
  }
  const std::string port = address_.to_string();
  const std::string thread_count = std::to_string(threads);
  // One request per connection: a kept one would hold a thread while it idles, and
  // then a handful of open pages could delay the scrapes.
  const std::array<const char*, 13> options = {
      "listening_ports", port.c_str(),  "num_threads", thread_count.c_str(), "request_timeout_ms",
      kRequestTimeoutMs, "tcp_nodelay", "1",           "enable_keep_alive",  "no",
      "decode_url",      "yes",         nullptr};
  mg_callbacks callbacks{};
  callbacks.begin_request = &Impl::on_request;
  callbacks.log_message = &Impl::on_message;
  {
    const SignalBlock block;
    context_ = mg_start(&callbacks, this, const_cast<const char**>(options.data()));
  }
  if (context_ == nullptr) {
    const std::string reason = address_.why_not();
    return Error{"cannot listen on " + port + ": " +
                 (reason.empty() ? "the web server did not start" : reason)};
  }
  mg_server_port bound{};
  if (mg_get_server_ports(context_, 1, &bound) == 1) {
    address_.port = static_cast<std::uint16_t>(bound.port);
  }
  return {};
}

void HttpServer::Impl::stop() noexcept {
  if (context_ == nullptr) return;
  // civetweb's listening thread looks at the stop flag when a connection comes, else
  // only every two seconds.
  std::jthread knocking;
  try {
    knocking = std::jthread([this](const std::stop_token& done) {
      constexpr std::chrono::milliseconds kPause{5};
      for (; !done.stop_requested(); std::this_thread::sleep_for(kPause)) {
        run_guarded("http", [this] { address_.knock(); });
      }
    });
  } catch (...) {  // NOLINT(bugprone-empty-catch): no thread to be had; stops slowly then
  }
  mg_stop(context_);
  context_ = nullptr;
}

int HttpServer::Impl::on_request(mg_connection* connection) noexcept {
  constexpr int kInternalError = 500;
  try {
    const auto* self = static_cast<const Impl*>(mg_get_user_data(mg_get_context(connection)));
    const HttpRequest request = request_of(connection);
    const HttpResponse response = self->router_.handle(request);
    send(connection, serialize(response, request.method != "HEAD", connection));
    // No request here has a body to read; without this civetweb would wait for one.
    mg_disable_connection_keep_alive(connection);
    return response.status;
  } catch (...) {  // out of memory: break the connection off
    mg_disable_connection_keep_alive(connection);
    return kInternalError;
  }
}

int HttpServer::Impl::on_message(const mg_connection* connection, const char* message) noexcept {
  const mg_context* context = connection == nullptr ? nullptr : mg_get_context(connection);
  const auto* self =
      context == nullptr ? nullptr : static_cast<const Impl*>(mg_get_user_data(context));
  if (self != nullptr && self->log_) {
    try {
      self->log_(message);
    } catch (...) {  // NOLINT(bugprone-empty-catch): the log itself failed
    }
  }
  return 1;  // handled: civetweb writes nothing itself
}

HttpServer::HttpServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpServer::~HttpServer() = default;

std::string HttpServer::address() const { return impl_->address(); }

Result<std::unique_ptr<HttpServer>> HttpServer::start(const HttpServerOptions& options,
                                                      SnapshotProvider& provider,
                                                      HttpCallbacks callbacks) {
  Result<BindAddress> address = BindAddress::parse(options.listen);
  if (!address.ok()) return address.error();
  if (options.threads < 1 || options.threads > 64) {
    return Error{"the number of HTTP threads must be from 1 to 64"};
  }
  HostPolicy hosts{!address->is_loopback(), options.allowed_hosts};
  auto impl = std::make_unique<Impl>(HttpRouter(provider, std::move(callbacks), std::move(hosts)),
                                     options.log);
  const Result<void> listening = impl->listen(std::move(address).value(), options.threads);
  if (!listening.ok()) return listening.error();
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(impl)));
}

}  // namespace loopscope
