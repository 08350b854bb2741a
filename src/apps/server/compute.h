#pragma once

#include <uv.h>

#include <atomic>
#include <chrono>
#include <list>
#include <memory>

#include "apps/server/child_process.h"
#include "apps/server/http_message.h"
#include "apps/server/job_queue.h"

namespace loopscope::server {

/// GET /compute and GET /jobs/ID: the same busy work done on the loop, on libuv's thread
/// pool, in a child process, or later.
class Compute {
 public:
  static constexpr std::size_t kMaxThreadWork = 128;
  static constexpr std::size_t kMaxChildren = 16;

  explicit Compute(uv_loop_t* loop);

  void on_compute(const HttpRequest& request, const Reply& reply);
  void on_job(const HttpRequest& request, const Reply& reply);
  /// Ends work whose answer nobody will wait for.
  void cancel();

 private:
  void in_thread(std::chrono::milliseconds time, const Reply& reply);
  void in_child(std::chrono::milliseconds time, const Reply& reply);
  void in_queue(std::chrono::milliseconds time, const Reply& reply);

  uv_loop_t* loop_;
  std::shared_ptr<std::atomic<bool>> cancelled_;
  JobQueue jobs_;
  std::list<ChildProcess> children_;
  std::size_t thread_work_ = 0;
};

/// The body of the child process that strategy=process starts: `--compute-child MS`.
int run_compute_child(std::chrono::milliseconds time);

}  // namespace loopscope::server
