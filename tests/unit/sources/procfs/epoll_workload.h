#pragma once

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <ctime>

#include "support/child_process.h"

namespace loopscope {

/// An event loop on the child's side of a ChildProcess, told by letters what to do. Its
/// busy periods are known: after each letter it answers, and 'm' makes it tell the longest
/// busy period since the last 'm' in milliseconds (four digits).
class EpollWorkload {
 public:
  static constexpr std::chrono::milliseconds kBlock{150};
  static constexpr std::chrono::milliseconds kSaturation{600};

  static void run(const ChildProcess::Channel& parent) { EpollWorkload(parent).loop(); }

 private:
  using Clock = std::chrono::steady_clock;

  explicit EpollWorkload(const ChildProcess::Channel& parent)
      : parent_(parent), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
    ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair_.data());
    add(parent.in);
    parent_.say('r');
  }

  void add(int fd) const {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = fd;
    ::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
  }

  void loop() {
    while (true) {
      std::array<epoll_event, 16> events{};
      const int count = ::epoll_wait(epoll_, events.data(), 16, -1);
      const auto begin = Clock::now();
      for (int i = 0; i < count; ++i) {
        if (events[static_cast<std::size_t>(i)].data.fd == pair_[0]) {
          receive();
        } else {
          obey(parent_.hear());
        }
      }
      longest_ = std::max(longest_, Clock::now() - begin);
    }
  }

  /// A turn of a saturated loop that does no counted I/O: 200 µs of work for one message.
  void receive() {
    char byte = 0;
    ::recv(pair_[0], &byte, 1, 0);
    compute(std::chrono::microseconds(200));
    if (Clock::now() < saturated_until_) {
      ::send(pair_[1], &byte, 1, 0);
    } else {
      ::epoll_ctl(epoll_, EPOLL_CTL_DEL, pair_[0], nullptr);
      parent_.say('s');
    }
  }

  [[gnu::noinline]] void obey(char order) {
    switch (order) {
      case 'c':  // compute
        compute(kBlock);
        break;
      case 'f':  // compute, and read a file again and again
        read_a_file();
        break;
      case 'z':  // sleep in a system call
        sleep();
        break;
      case 'n':  // run a nested loop on an epoll of its own
        nested();
        break;
      case 's':  // be saturated; answers when it is over
        saturated_until_ = Clock::now() + kSaturation;
        add(pair_[0]);
        ::send(pair_[1], "x", 1, 0);
        return;
      case 'm':
        tell_longest();
        return;
      default:
        ::_exit(0);
    }
    parent_.say(order);
  }

  static void compute(Clock::duration time) {
    const auto end = Clock::now() + time;
    while (Clock::now() < end) {
    }
  }

  static void read_a_file() {
    const int file = ::open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    const auto end = Clock::now() + kBlock;
    char byte = 0;
    while (Clock::now() < end && ::pread(file, &byte, 1, 0) == 1) {
    }
    ::close(file);
  }

  static void sleep() {
    timespec time{0, std::chrono::nanoseconds(kBlock).count()};
    while (::nanosleep(&time, &time) != 0) {
    }
  }

  /// Not inlined: a nested loop is one deeper in the stack.
  [[gnu::noinline]] static void nested() {
    const int inner = ::epoll_create1(EPOLL_CLOEXEC);
    epoll_event event{};
    ::epoll_wait(inner, &event, 1, static_cast<int>(kBlock.count()));
    ::close(inner);
  }

  void tell_longest() {
    auto left = std::chrono::ceil<std::chrono::milliseconds>(longest_).count();
    longest_ = {};
    for (int unit = 1000; unit > 0; unit /= 10) {
      parent_.say(static_cast<char>('0' + left / unit % 10));
    }
  }

  ChildProcess::Channel parent_;
  int epoll_;
  std::array<int, 2> pair_{};
  Clock::time_point saturated_until_;
  Clock::duration longest_{};
};

}  // namespace loopscope
