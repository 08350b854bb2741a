#include "target/listen_sockets.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <string>

#include "base/unique_fd.h"
#include "target/proc_file.h"

namespace loopscope {
namespace {

/// Takes the next word of a line.
std::string_view take_word(std::string_view& line) {
  const std::size_t begin = line.find_first_not_of(' ');
  if (begin == std::string_view::npos) return {};
  line.remove_prefix(begin);
  const std::string_view word = line.substr(0, line.find(' '));
  line.remove_prefix(word.size());
  return word;
}

}  // namespace

ListenSockets ListenSockets::of_own_namespace() {
  ListenSockets sockets;
  const UniqueFd netlink(::socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG));
  if (!netlink.valid()) return of_namespace(::getpid());
  sockets.add_family(netlink.get(), AF_INET);
  sockets.add_family(netlink.get(), AF_INET6);
  return sockets;
}

void ListenSockets::add_family(int netlink_socket, std::uint8_t family) {
  struct {
    nlmsghdr header;
    inet_diag_req_v2 body;
  } request{};
  request.header.nlmsg_len = sizeof request;
  request.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
  request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  request.body.sdiag_family = family;
  request.body.sdiag_protocol = IPPROTO_TCP;
  request.body.idiag_states = 1U << TCP_LISTEN;
  if (::send(netlink_socket, &request, sizeof request, 0) < 0) return;

  alignas(nlmsghdr) std::array<char, 32768> reply{};
  while (ports_.size() < kMaxSockets) {
    const ssize_t got = ::recv(netlink_socket, reply.data(), reply.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return;
    std::string_view messages(reply.data(), static_cast<std::size_t>(got));
    while (messages.size() >= sizeof(nlmsghdr)) {
      nlmsghdr header{};
      std::memcpy(&header, messages.data(), sizeof header);
      if (header.nlmsg_type != SOCK_DIAG_BY_FAMILY || header.nlmsg_len < sizeof header ||
          header.nlmsg_len > messages.size()) {
        return;
      }
      inet_diag_msg socket{};
      if (header.nlmsg_len >= NLMSG_HDRLEN + sizeof socket) {
        std::memcpy(&socket, messages.data() + NLMSG_HDRLEN, sizeof socket);
        ports_.emplace(socket.idiag_inode, ntohs(socket.id.idiag_sport));
      }
      messages.remove_prefix(std::min<std::size_t>(NLMSG_ALIGN(header.nlmsg_len), messages.size()));
    }
  }
}

ListenSockets ListenSockets::of_namespace(int pid) {
  ListenSockets sockets;
  for (const char* table : {"tcp", "tcp6"}) {
    const std::string path = "/proc/" + std::to_string(pid) + "/net/" + table;
    sockets.add_file(path.c_str());
  }
  return sockets;
}

void ListenSockets::add_file(const char* path) {
  const UniqueFd file(::open(path, O_RDONLY | O_CLOEXEC));
  if (!file.valid()) return;
  std::array<char, 4096> chunk{};
  std::string pending;  // a line cut in two by the chunk's end
  while (ports_.size() < kMaxSockets) {
    const ssize_t got = ::read(file.get(), chunk.data(), chunk.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return;
    pending.append(chunk.data(), static_cast<std::size_t>(got));
    const std::size_t end = pending.rfind('\n');
    if (end == std::string::npos) return;
    if (!add_table(std::string_view(pending).substr(0, end + 1))) return;
    pending.erase(0, end + 1);
  }
}

bool ListenSockets::add_table(std::string_view text) {
  constexpr std::string_view kListen = "0A";
  while (!text.empty()) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    // sl local_address rem_address st tx:rx tr:tm retrnsmt uid timeout inode ...
    if (take_word(line) == "sl") continue;
    const std::string_view local = take_word(line);
    take_word(line);
    if (take_word(line) != kListen) return false;
    for (int field = 0; field < 5; ++field) take_word(line);
    std::uint64_t inode = 0;
    std::uint16_t port = 0;
    const std::size_t colon = local.rfind(':');
    if (colon == std::string_view::npos || !take_number(line, inode)) continue;
    const char* const end = local.data() + local.size();
    if (std::from_chars(local.data() + colon + 1, end, port, 16).ec != std::errc{}) continue;
    ports_.emplace(inode, port);
  }
  return true;
}

std::optional<std::uint16_t> ListenSockets::port_of(std::uint64_t socket_inode) const {
  const auto found = ports_.find(socket_inode);
  if (found == ports_.end()) return std::nullopt;
  return found->second;
}

bool ListenSockets::has_port(std::uint16_t port) const {
  return std::any_of(ports_.begin(), ports_.end(),
                     [port](const auto& entry) { return entry.second == port; });
}

}  // namespace loopscope
