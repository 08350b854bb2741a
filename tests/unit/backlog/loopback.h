#pragma once

// Real sockets and child processes for the backlog tests: loopback only, ports picked by
// the kernel, every wait bounded.

#include <arpa/inet.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "backlog/backlog_monitor.h"
#include "backlog/socket_address.h"
#include "base/unique_fd.h"

namespace loopscope::testing {

inline constexpr uid_t kNobody = 65534;

[[noreturn]] inline void die(const std::string& what) {
  std::perror(what.c_str());
  std::abort();
}

inline bool wait_for(const std::function<bool()>& condition,
                     std::chrono::seconds limit = std::chrono::seconds(20)) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  while (std::chrono::steady_clock::now() < deadline) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return condition();
}

inline void allow_descriptors(rlim_t count) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) die("getrlimit");
  limit.rlim_cur = std::max(limit.rlim_cur, std::min(count, limit.rlim_max));
  if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) die("setrlimit");
}

struct ListenerOptions {
  bool ipv6 = false;
  int backlog = 128;
  std::uint16_t port = 0;
  bool any_address = false;
  bool reuse_port = false;
  bool defer_accept = false;  ///< connections stay half-open until they send something
};

/// A listening socket on loopback that accepts only when told to.
class Listener {
 public:
  explicit Listener(const ListenerOptions& options = {}) {
    fd_.reset(::socket(options.ipv6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!fd_.valid()) die("socket");
    const int on = 1;
    const int seconds = 60;
    if (options.reuse_port) ::setsockopt(fd_.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
    if (options.defer_accept) {
      ::setsockopt(fd_.get(), IPPROTO_TCP, TCP_DEFER_ACCEPT, &seconds, sizeof(seconds));
    }
    sockaddr_storage storage{};
    socklen_t size = 0;
    if (options.ipv6) {
      auto& in6 = reinterpret_cast<sockaddr_in6&>(storage);
      in6.sin6_family = AF_INET6;
      in6.sin6_addr = options.any_address ? in6addr_any : in6addr_loopback;
      in6.sin6_port = htons(options.port);
      size = sizeof(in6);
    } else {
      auto& in = reinterpret_cast<sockaddr_in&>(storage);
      in.sin_family = AF_INET;
      in.sin_addr.s_addr = htonl(options.any_address ? INADDR_ANY : INADDR_LOOPBACK);
      in.sin_port = htons(options.port);
      size = sizeof(in);
    }
    auto* const address = reinterpret_cast<sockaddr*>(&storage);
    if (::bind(fd_.get(), address, size) != 0) die("bind");
    if (::listen(fd_.get(), options.backlog) != 0) die("listen");
    if (::getsockname(fd_.get(), address, &size) != 0) die("getsockname");
    const std::string host = options.ipv6 ? (options.any_address ? "[::]" : "[::1]")
                                          : (options.any_address ? "0.0.0.0" : "127.0.0.1");
    port_ = ntohs(options.ipv6 ? reinterpret_cast<sockaddr_in6&>(storage).sin6_port
                               : reinterpret_cast<sockaddr_in&>(storage).sin_port);
    label_ = host + ":" + std::to_string(port_);
  }

  int fd() const { return fd_.get(); }
  std::uint16_t port() const { return port_; }
  const std::string& label() const { return label_; }

  UniqueFd accept_one() const {
    UniqueFd accepted(::accept4(fd_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!accepted.valid()) die("accept");
    return accepted;
  }

 private:
  UniqueFd fd_;
  std::uint16_t port_ = 0;
  std::string label_;
};

/// A client socket whose connect has been started; it resets its connection when closed.
inline UniqueFd start_connect(std::uint16_t port, bool ipv6 = false) {
  UniqueFd fd(::socket(ipv6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd.valid()) die("socket");
  const linger reset{1, 0};
  ::setsockopt(fd.get(), SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
  int result = 0;
  if (ipv6) {
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_addr = in6addr_loopback;
    address.sin6_port = htons(port);
    result = ::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address));
  } else {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    result = ::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address));
  }
  if (result != 0 && errno != EINPROGRESS) die("connect");
  return fd;
}

inline std::vector<UniqueFd> start_connects(std::size_t count, std::uint16_t port,
                                            bool ipv6 = false) {
  std::vector<UniqueFd> clients;
  clients.reserve(count);
  for (std::size_t i = 0; i < count; ++i) clients.push_back(start_connect(port, ipv6));
  return clients;
}

inline void send_text(const UniqueFd& fd, const std::string& text) {
  pollfd writable{fd.get(), POLLOUT, 0};
  if (::poll(&writable, 1, 10000) != 1) die("poll");
  if (::send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL) !=
      static_cast<ssize_t>(text.size())) {
    die("send");
  }
}

inline void become_nobody() {
  if (::setgroups(0, nullptr) != 0 || ::setgid(kNobody) != 0 || ::setuid(kNobody) != 0) {
    die("setuid");
  }
}

inline void enter_new_netns() {
  if (::unshare(CLONE_NEWNET) != 0) die("unshare");
  const UniqueFd fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request{};
  request.ifr_name[0] = 'l';
  request.ifr_name[1] = 'o';
  request.ifr_flags = IFF_UP;
  if (::ioctl(fd.get(), SIOCSIFFLAGS, &request) != 0) die("cannot bring lo up");
}

/// A forked process that runs `body` and then lives until it is ended. `body` returns the
/// text that report() gives the parent; what must stay open it leaks on purpose.
class Child {
 public:
  explicit Child(const std::function<std::string()>& body) {
    std::array<int, 2> report{};
    std::array<int, 2> life{};
    if (::pipe(report.data()) != 0 || ::pipe(life.data()) != 0) die("pipe");
    pid_ = ::fork();
    if (pid_ < 0) die("fork");
    if (pid_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      ::close(report[0]);
      ::close(life[1]);
      const std::string text = body();
      if (::write(report[1], text.data(), text.size()) < 0) ::_exit(1);
      ::close(report[1]);
      char byte = 0;
      while (::read(life[0], &byte, 1) < 0 && errno == EINTR) {
      }
      ::_exit(0);
    }
    ::close(report[1]);
    ::close(life[0]);
    life_.reset(life[1]);
    const UniqueFd reader(report[0]);
    std::array<char, 512> chunk{};
    pollfd readable{reader.get(), POLLIN, 0};
    while (::poll(&readable, 1, 30000) == 1) {
      const ssize_t got = ::read(reader.get(), chunk.data(), chunk.size());
      if (got <= 0) break;
      report_.append(chunk.data(), static_cast<std::size_t>(got));
    }
  }
  ~Child() { end(); }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  int pid() const { return pid_; }
  const std::string& report() const { return report_; }
  std::uint16_t report_port() const { return static_cast<std::uint16_t>(std::stoi(report_)); }

  void end() {
    if (pid_ <= 0) return;
    life_.reset();
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }

 private:
  pid_t pid_ = -1;
  UniqueFd life_;
  std::string report_;
};

inline BacklogTarget target(int pid, std::optional<int> port_hint = std::nullopt) {
  BacklogTarget result;
  result.labels.process = "test";
  result.labels.pid = pid;
  result.port_hint = port_hint;
  return result;
}

inline const ListenerSnapshot* find_listener(const Snapshot& snapshot, const std::string& label,
                                             int pid) {
  for (const ListenerSnapshot& listener : snapshot.listeners) {
    if (listener.listener == label && listener.labels.pid == pid) return &listener;
  }
  return nullptr;
}

inline const SourceSnapshot* find_source(const Snapshot& snapshot, const std::string& name) {
  for (const SourceSnapshot& source : snapshot.sources) {
    if (source.source == name) return &source;
  }
  return nullptr;
}

/// One forced pass and what it shows.
inline Snapshot sample(BacklogMonitor& monitor) {
  monitor.sample_once();
  Snapshot snapshot;
  monitor.append_snapshot(snapshot);
  return snapshot;
}

}  // namespace loopscope::testing
