#pragma once

#include <uv.h>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "apps/server/child_process.h"
#include "base/listen_address.h"

namespace loopscope::server {

/// The descriptors a worker is started with.
inline constexpr int kWorkerControlFd = 0;  ///< EOF: the supervisor is gone or wants the end
inline constexpr int kWorkerListenFd = 3;

/// Keeps a number of worker processes running that accept from one listening socket, so a
/// blocked or crashed worker strands no connection it has not accepted. Restarts crashed
/// ones, the sooner the longer they ran.
class ClusterSupervisor {
 public:
  using Log = std::function<void(const std::string&)>;

  /// `listen_fd` stays the caller's.
  ClusterSupervisor(uv_loop_t* loop, int listen_fd, unsigned workers, Log log);
  ~ClusterSupervisor();
  ClusterSupervisor(const ClusterSupervisor&) = delete;
  ClusterSupervisor& operator=(const ClusterSupervisor&) = delete;

  void start();
  struct WorkerView {
    unsigned index;
    std::optional<ListenAddress> metrics;  ///< absent: it is not (yet) up
  };
  std::vector<WorkerView> workers() const;
  /// Asks all to end, kills what is left after `grace`; `on_ended` when all are gone.
  void stop(std::chrono::milliseconds grace, std::function<void()> on_ended);
  void kill_all();

 private:
  class Worker;

  void on_worker_ended();

  std::vector<std::unique_ptr<Worker>> workers_;
  std::function<void()> on_ended_;
  Log log_;
};

}  // namespace loopscope::server
