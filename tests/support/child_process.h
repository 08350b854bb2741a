#pragma once

#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <functional>
#include <thread>
#include <utility>

namespace loopscope {

/// A forked child that runs `body` and is killed and reaped with this object, or dies with
/// the test. body gets one end of a channel; child_says() and tell_child() are the other.
class ChildProcess {
 public:
  struct Channel {
    int in = -1;   ///< read end
    int out = -1;  ///< write end
    void say(char c) const {
      if (::write(out, &c, 1) != 1) ::_exit(9);
    }
    /// 0: the other side has gone.
    char hear() const {
      char c = 0;
      return ::read(in, &c, 1) == 1 ? c : '\0';
    }
  };

  explicit ChildProcess(const std::function<void(const Channel&)>& body) {
    int down[2] = {-1, -1};
    int up[2] = {-1, -1};
    if (::pipe(down) != 0 || ::pipe(up) != 0) return;
    const int parent = ::getpid();
    pid_ = ::fork();
    if (pid_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (::getppid() != parent) ::_exit(9);
      ::close(down[1]);
      ::close(up[0]);
      body({down[0], up[1]});
      ::_exit(0);
    }
    ::close(down[0]);
    ::close(up[1]);
    channel_ = {up[0], down[1]};
  }
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;
  ~ChildProcess() {
    kill();
    wait();
    ::close(channel_.in);
    ::close(channel_.out);
  }

  int pid() const { return pid_; }
  void tell(char c) const { channel_.say(c); }
  /// What the child says next; 0 after 20 s of silence or if it is gone.
  char hear() const {
    pollfd ready{channel_.in, POLLIN, 0};
    return ::poll(&ready, 1, 20000) == 1 ? channel_.hear() : '\0';
  }
  int read_fd() const { return channel_.in; }
  /// Ends the child and leaves it a zombie.
  void kill() const {
    if (pid_ <= 0 || reaped_) return;
    ::kill(pid_, SIGKILL);
    siginfo_t info{};
    ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOWAIT);
  }
  /// Reaps the child; its wait status.
  int wait() {
    if (pid_ <= 0 || reaped_) return status_;
    ::waitpid(pid_, &status_, 0);
    reaped_ = true;
    return status_;
  }

 private:
  int pid_ = -1;
  Channel channel_;
  bool reaped_ = false;
  int status_ = 0;
};

/// Whether `condition` holds within 20 s.
inline bool eventually(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

/// Runs `body` in a process of its own; whether it returned true.
inline bool true_in_child(const std::function<bool()>& body) {
  ChildProcess child([&](const ChildProcess::Channel& parent) { parent.say(body() ? 'y' : 'n'); });
  return child.hear() == 'y';
}

}  // namespace loopscope
