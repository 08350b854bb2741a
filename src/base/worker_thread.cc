#include "base/worker_thread.h"

#include <utility>

#include "base/guarded.h"

namespace loopscope {

WorkerThread::WorkerThread(std::string name, std::function<Nanos()> task, Nanos after_failure)
    : name_(std::move(name)), task_(std::move(task)), after_failure_(after_failure) {}

WorkerThread::~WorkerThread() { stop(); }

Result<void> WorkerThread::start() {
  if (runs()) return {};
  is_stopping_ = false;
  auto thread = start_thread(name_.c_str(), [this] { run(); });
  if (!thread) return thread.error();
  thread_ = std::move(*thread);
  return {};
}

void WorkerThread::stop() {
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
    changed_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
}

void WorkerThread::wake() {
  const std::lock_guard lock(mutex_);
  is_woken_ = true;
  changed_.notify_one();
}

void WorkerThread::run() {
  std::unique_lock lock(mutex_);
  while (!is_stopping_) {
    is_woken_ = false;
    lock.unlock();
    Nanos wait = after_failure_;
    run_guarded(name_, [&] { wait = task_(); });
    lock.lock();
    changed_.wait_for(lock, wait, [this] { return is_stopping_ || is_woken_; });
  }
}

}  // namespace loopscope
