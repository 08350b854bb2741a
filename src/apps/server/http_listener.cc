#include "apps/server/http_listener.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>
#include <vector>

#include "base/unique_fd.h"

namespace loopscope::server {
namespace {

std::string reason(int code) { return std::generic_category().message(code); }

}  // namespace

Result<int> bind_socket(const ListenAddress& address) {
  sockaddr_storage storage{};
  socklen_t length = sizeof(sockaddr_in);
  auto* v4 = reinterpret_cast<sockaddr_in*>(&storage);
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&storage);
  if (uv_ip4_addr(address.host.c_str(), address.port, v4) != 0) {
    length = sizeof(sockaddr_in6);
    if (uv_ip6_addr(address.host.c_str(), address.port, v6) != 0) {
      return Error{"cannot listen on " + address.to_string() + ": not an IP address"};
    }
  }
  UniqueFd fd(socket(storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const int on = 1;
  if (!fd.valid() || setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
      bind(fd.get(), reinterpret_cast<const sockaddr*>(&storage), length) != 0) {
    return Error{"cannot listen on " + address.to_string() + ": " + reason(errno)};
  }
  return fd.release();
}

Result<std::string> socket_address(int fd) {
  sockaddr_storage storage{};
  socklen_t length = sizeof(storage);
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &length) != 0) {
    return Error{"cannot read the address of a listening socket: " + reason(errno)};
  }
  ListenAddress address;
  char text[INET6_ADDRSTRLEN] = {};
  if (storage.ss_family == AF_INET6) {
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(&storage);
    uv_ip6_name(v6, text, sizeof(text));
    address.port = ntohs(v6->sin6_port);
  } else {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(&storage);
    uv_ip4_name(v4, text, sizeof(text));
    address.port = ntohs(v4->sin_port);
  }
  address.host = text;
  return address.to_string();
}

HttpListener::HttpListener(uv_loop_t* loop, HttpLimits limits, RequestHandler handler)
    : loop_(loop), limits_(limits), handler_(std::move(handler)) {
  http_parser_set_max_header_size(kMaxHeadBytes);
}

Result<void> HttpListener::listen(int fd) {
  uv_tcp_init(loop_, &socket_);
  socket_.data = this;
  open_ = true;
  int error = uv_tcp_open(&socket_, fd);
  if (error == 0) {
    error = uv_listen(reinterpret_cast<uv_stream_t*>(&socket_), kListenBacklog,
                      [](uv_stream_t* stream, int status) {
                        if (status == 0) static_cast<HttpListener*>(stream->data)->on_connection();
                      });
  }
  if (error == 0) return {};
  return Error{std::string("cannot listen: ") + uv_strerror(error)};
}

void HttpListener::on_connection() {
  const bool full = connections_.size() >= limits_.max_connections;
  const auto connection = std::make_shared<HttpConnection>(
      limits_, handler_, [this](HttpConnection* closed) { on_closed(closed); });
  connections_.emplace(connection.get(), connection);
  if (connection->accept(reinterpret_cast<uv_stream_t*>(&socket_)) && full) connection->refuse();
}

void HttpListener::on_closed(HttpConnection* connection) {
  connections_.erase(connection);
  check_drained();
}

void HttpListener::check_drained() {
  if (!open_ && connections_.empty() && on_drained_) std::exchange(on_drained_, nullptr)();
}

void HttpListener::stop(std::function<void()> on_drained) {
  on_drained_ = std::move(on_drained);
  if (!open_) return check_drained();
  uv_close(reinterpret_cast<uv_handle_t*>(&socket_), [](uv_handle_t* handle) {
    auto* self = static_cast<HttpListener*>(handle->data);
    self->open_ = false;
    self->check_drained();
  });
  std::vector<std::shared_ptr<HttpConnection>> all;
  for (const auto& [key, connection] : connections_) all.push_back(connection);
  for (const auto& connection : all) connection->finish();
}

void HttpListener::abort() {
  std::vector<std::shared_ptr<HttpConnection>> all;
  for (const auto& [key, connection] : connections_) all.push_back(connection);
  for (const auto& connection : all) connection->close();
}

}  // namespace loopscope::server
