#include "base/listen_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "base/quoted_text.h"
#include "base/whole_number.h"

namespace loopscope {
namespace {

bool is_literal(int family, const std::string& host) {
  in6_addr storage{};  // large enough for both families
  return inet_pton(family, host.c_str(), &storage) == 1;
}

}  // namespace

std::string ListenAddress::to_string() const {
  const bool v6 = host.find(':') != std::string::npos;
  return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

Result<ListenAddress> parse_listen_address(std::string_view text) {
  const auto bad = [&](const std::string& why) {
    return Error{quoted_text(text) + " is not a listen address: " + why};
  };
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) {
    return bad("expected ADDRESS:PORT, such as 127.0.0.1:15667");
  }
  const auto number = parse_whole_number(text.substr(colon + 1), "port", 0, 65535);
  if (!number) return bad(number.error().message);
  const auto port = static_cast<std::uint16_t>(*number);

  std::string host(text.substr(0, colon));
  if (host.empty()) {
    return bad("the address is missing; 0.0.0.0 is every IPv4 address of this machine");
  }
  if (host.find('\0') != std::string::npos) return bad("it contains a NUL byte");
  if (host == "localhost") host = "127.0.0.1";
  if (is_literal(AF_INET, host)) return ListenAddress{host, port};
  if (host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
    if (is_literal(AF_INET6, host)) return ListenAddress{host, port};
  } else if (is_literal(AF_INET6, host)) {
    return bad("an IPv6 address stands in brackets, such as [::1]:15667");
  }
  return bad("expected a numeric address (127.0.0.1, [::1]) before the port");
}

}  // namespace loopscope
