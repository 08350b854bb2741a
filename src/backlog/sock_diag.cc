#include "backlog/sock_diag.h"

#include <fcntl.h>
#include <linux/netlink.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <string>
#include <utility>

#include "backlog/netns.h"
#include "base/guarded.h"
#include "target/proc_file.h"

namespace loopscope {
namespace {

constexpr std::size_t kBufferSize = 65536;  // the kernel sends at most 32 KiB at a time
constexpr std::size_t kMaxListeners = 65536;
constexpr std::chrono::seconds kDumpDeadline{2};
constexpr timeval kReceiveTimeout{1, 0};

constexpr std::uint32_t state_bit(int state) { return 1U << static_cast<unsigned>(state); }

Result<UniqueFd> create_socket() {
  UniqueFd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG));
  if (!fd.valid()) {
    return Error{"cannot open a NETLINK_SOCK_DIAG socket: " + errno_text(errno) +
                 "; the kernel needs CONFIG_INET_DIAG and the sandbox must allow AF_NETLINK"};
  }
  if (::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &kReceiveTimeout, sizeof(kReceiveTimeout)) !=
      0) {
    return Error{"cannot set a time limit on the NETLINK_SOCK_DIAG socket: " + errno_text(errno)};
  }
  return fd;
}

Result<UniqueFd> create_socket_inside(int pid) {
  const std::string path = "/proc/" + std::to_string(pid) + "/ns/net";
  const UniqueFd ns(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!ns.valid()) {
    return Error{"pid " + std::to_string(pid) + " lives in another network namespace and " + path +
                 " cannot be opened: " + errno_text(errno) +
                 "; run in its network namespace, or with CAP_SYS_PTRACE and CAP_SYS_ADMIN"};
  }
  if (::setns(ns.get(), CLONE_NEWNET) != 0) {
    return Error{"cannot enter the network namespace of pid " + std::to_string(pid) + ": " +
                 errno_text(errno) + "; run in its network namespace, or with CAP_SYS_ADMIN"};
  }
  return create_socket();
}

}  // namespace

SockDiag::SockDiag(UniqueFd socket) : socket_(std::move(socket)), buffer_(kBufferSize) {}

Result<SockDiag> SockDiag::open() {
  Result<UniqueFd> socket = create_socket();
  if (!socket) return socket.error();
  return SockDiag(std::move(*socket));
}

Result<SockDiag> SockDiag::open_for_pid(int pid) {
  const Result<NetnsId> theirs = netns_of(pid);
  if (!theirs) return theirs.error();
  const Result<NetnsId> ours = own_netns();
  if (!ours) return ours.error();
  if (*theirs == *ours) return open();

  Result<UniqueFd> socket =
      Error{"cannot enter the network namespace of pid " + std::to_string(pid) + ": no memory"};
  auto visitor = start_thread("netns", [&] { socket = create_socket_inside(pid); });
  if (!visitor) {
    return Error{"cannot enter the network namespace of pid " + std::to_string(pid) + ": " +
                 visitor.error().message};
  }
  visitor->join();
  if (!socket) return socket.error();
  return SockDiag(std::move(*socket));
}

Result<std::vector<DiagSocket>> SockDiag::listeners() {
  std::vector<DiagSocket> found;
  const Result<void> dumped = dump(state_bit(TCP_LISTEN), {}, [&](const DiagSocket& socket) {
    if (socket.state == TCP_LISTEN && found.size() < kMaxListeners) found.push_back(socket);
  });
  if (!dumped) return dumped.error();
  return found;
}

Result<bool> SockDiag::refresh(DiagSocket& listener) {
  const Result<void> sent = send(build_get_request(listener, ++sequence_));
  if (!sent) return sent.error();
  bool found = false;
  const Result<DiagChunk> chunk = receive([&](const DiagSocket& socket) {
    if (socket.state != TCP_LISTEN || socket.cookie != listener.cookie) return;
    listener = socket;
    found = true;
  });
  if (!chunk) return chunk.error();
  return found;
}

Result<void> SockDiag::visit_connections(std::span<const std::uint16_t> ports,
                                         const DiagVisitor& visit) {
  if (ports.empty()) return {};
  const DiagVisitor check = [&](const DiagSocket& socket) {
    const bool half_open = socket.state == TCP_SYN_RECV;
    const bool unread = socket.state == TCP_ESTABLISHED && socket.rqueue > 0;
    const bool waiting = socket.state == TCP_ESTABLISHED && socket.inode == 0;
    const bool given_up = socket.state == TCP_CLOSE_WAIT && socket.inode == 0;
    if (!half_open && !unread && !waiting && !given_up) return;
    if (std::find(ports.begin(), ports.end(), socket.local.port) != ports.end()) visit(socket);
  };
  const bool in_kernel = port_filter_works_ && ports.size() <= kMaxFilterPorts;
  return dump(state_bit(TCP_SYN_RECV) | state_bit(TCP_ESTABLISHED) | state_bit(TCP_CLOSE_WAIT),
              in_kernel ? ports : std::span<const std::uint16_t>{}, check);
}

Result<void> SockDiag::dump(std::uint32_t states, std::span<const std::uint16_t> ports,
                            const DiagVisitor& visit) {
  Result<void> sent = send(build_dump_request(states, ports, ++sequence_));
  if (!sent) return sent;
  const auto deadline = std::chrono::steady_clock::now() + kDumpDeadline;
  while (std::chrono::steady_clock::now() < deadline) {
    const Result<DiagChunk> chunk = receive(visit);
    if (!chunk) return chunk.error();
    if (chunk->done) return {};
    if (chunk->error == EINVAL && !ports.empty()) {
      port_filter_works_ = false;  // refused as a whole, before any socket was sent
      return dump(states, {}, visit);
    }
    if (chunk->error != 0) {
      return Error{"the kernel refused to list its TCP sockets: " + errno_text(chunk->error) +
                   "; it needs CONFIG_INET_TCP_DIAG"};
    }
  }
  return Error{"listing the TCP sockets took more than 2 s"};
}

Result<void> SockDiag::send(std::span<const std::byte> request) {
  if (::send(socket_.get(), request.data(), request.size(), 0) < 0) {
    return Error{"cannot ask the kernel for its TCP sockets: " + errno_text(errno)};
  }
  return {};
}

Result<DiagChunk> SockDiag::receive(const DiagVisitor& visit) {
  while (true) {
    sockaddr_nl sender{};
    socklen_t sender_size = sizeof(sender);
    const ssize_t got = ::recvfrom(socket_.get(), buffer_.data(), buffer_.size(), MSG_TRUNC,
                                   reinterpret_cast<sockaddr*>(&sender), &sender_size);
    if (got < 0) {
      if (errno == EINTR) continue;
      return Error{"the kernel did not finish its list of TCP sockets: " + errno_text(errno)};
    }
    if (sender.nl_pid != 0) continue;  // only the kernel may answer
    const auto size = static_cast<std::size_t>(got);
    if (size > buffer_.size()) return Error{"the kernel's list of TCP sockets was cut off"};
    return parse_diag_messages(std::span(buffer_).first(size), sequence_, visit);
  }
}

}  // namespace loopscope
