#include "export/bind_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "base/unique_fd.h"

namespace loopscope {
namespace {

// Copies the address into `storage` and returns its length.
socklen_t fill(const BindAddress& address, sockaddr_storage& storage) {
  if (address.is_v6()) {
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(address.port);
    inet_pton(AF_INET6, address.host.c_str(), &v6.sin6_addr);
    std::memcpy(&storage, &v6, sizeof v6);
    return sizeof v6;
  }
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  v4.sin_port = htons(address.port);
  inet_pton(AF_INET, address.host.c_str(), &v4.sin_addr);
  std::memcpy(&storage, &v4, sizeof v4);
  return sizeof v4;
}

}  // namespace

Result<BindAddress> BindAddress::parse(std::string_view text) {
  auto address = parse_listen_address(text);
  if (!address) return address.error();
  return BindAddress{std::move(*address)};
}

bool BindAddress::is_loopback() const {
  if (!is_v6()) return host.starts_with("127.");
  in6_addr parsed{};
  inet_pton(AF_INET6, host.c_str(), &parsed);
  return IN6_IS_ADDR_LOOPBACK(&parsed);
}

void BindAddress::knock() const {
  sockaddr_storage storage{};
  const socklen_t length = fill(*this, storage);
  const UniqueFd fd(socket(storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.valid()) return;
  // Failing is as good: then nobody waits any more.
  static_cast<void>(connect(fd.get(), reinterpret_cast<const sockaddr*>(&storage), length));
}

std::string BindAddress::why_not() const {
  sockaddr_storage storage{};
  const socklen_t length = fill(*this, storage);
  const UniqueFd fd(socket(storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int on = 1;
  const bool bound = fd.valid() &&
                     setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
                     bind(fd.get(), reinterpret_cast<const sockaddr*>(&storage), length) == 0 &&
                     listen(fd.get(), 1) == 0;
  return bound ? "" : std::generic_category().message(errno);
}

}  // namespace loopscope
