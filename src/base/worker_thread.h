#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "base/clock.h"
#include "base/result.h"

namespace loopscope {

/// A thread that carries out one task again and again, until it is stopped. What the task throws
/// ends that one time, see run_guarded(). start() and stop() are for the owner's thread, wake() is
/// for any.
class WorkerThread {
 public:
  /// `name`: at most 15 characters. `task` runs in the thread and says how long to wait until the
  /// next time; one that throws comes again after `after_failure`.
  WorkerThread(std::string name, std::function<Nanos()> task,
               Nanos after_failure = std::chrono::seconds(1));
  ~WorkerThread();
  WorkerThread(const WorkerThread&) = delete;
  WorkerThread& operator=(const WorkerThread&) = delete;

  /// Harmless when it runs. Error: the system has no thread left.
  Result<void> start();
  /// Waits until the task at hand has ended. Harmless when it does not run.
  void stop();
  /// The next time is now, or follows the task at hand at once.
  void wake();
  bool runs() const { return thread_.joinable(); }

 private:
  void run();

  const std::string name_;
  const std::function<Nanos()> task_;
  const Nanos after_failure_;

  std::mutex mutex_;  ///< guards what follows
  std::condition_variable changed_;
  bool is_woken_ = false;
  bool is_stopping_ = false;

  std::thread thread_;
};

}  // namespace loopscope
