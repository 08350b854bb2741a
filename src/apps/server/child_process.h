#pragma once

#include <uv.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace loopscope::server {

/// How a child ended.
struct ChildExit {
  std::int64_t status = 0;
  int signal = 0;
  std::string error;  ///< not empty: it could not be started

  bool clean() const { return status == 0 && signal == 0 && error.empty(); }
  std::string to_string() const;
};

/// A copy of this program (/proc/self/exe) run with other arguments.
class ChildProcess {
 public:
  using OnExit = std::function<void(ChildExit)>;

  ChildProcess() = default;
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  /// Starts it. `on_exit` is called once, later, on the loop thread, when it has ended (or
  /// could not be started); the object may be destroyed from there, not before.
  void start(uv_loop_t* loop, const std::vector<std::string>& arguments,
             std::vector<uv_stdio_container_t> stdio, OnExit on_exit);
  /// Nothing happens if it has ended already.
  void kill(int signal);

 private:
  void close();

  uv_process_t process_{};
  ChildExit exit_;
  OnExit on_exit_;
  bool running_ = false;
};

}  // namespace loopscope::server
