#include "base/guarded.h"

#include <pthread.h>
#include <signal.h>

#include <atomic>
#include <string>
#include <system_error>
#include <utility>

namespace loopscope {
namespace {

std::atomic<FailureObserver> failure_observer{nullptr};
std::atomic<std::uint64_t> failure_count{0};

/// Blocks all signals in this thread, and so in those it starts, while it lives.
class AllSignalsBlocked {
 public:
  AllSignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~AllSignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  AllSignalsBlocked(const AllSignalsBlocked&) = delete;
  AllSignalsBlocked& operator=(const AllSignalsBlocked&) = delete;

 private:
  sigset_t before_{};
};

}  // namespace

namespace guarded_detail {

void failed(std::string_view task, std::string_view reason) noexcept {
  failure_count.fetch_add(1, std::memory_order_relaxed);
  const FailureObserver observer = failure_observer.load(std::memory_order_acquire);
  if (observer == nullptr) return;
  try {
    observer(task, reason);
  } catch (...) {  // NOLINT(bugprone-empty-catch): telling needs memory, too
  }
}

}  // namespace guarded_detail

void set_failure_observer(FailureObserver observer) {
  failure_observer.store(observer, std::memory_order_release);
}

std::uint64_t guarded_failures() { return failure_count.load(std::memory_order_relaxed); }

Result<std::thread> start_thread(const char* name, std::function<void()> body) {
  const AllSignalsBlocked block;
  try {
    std::thread thread([name, body = std::move(body)] { run_guarded(name, body); });
    pthread_setname_np(thread.native_handle(), name);
    return thread;
  } catch (const std::exception& error) {
    return Error{std::string("cannot start the thread \"") + name + "\": " + error.what() +
                 "; raise the limit of threads (ulimit -u, pids.max of the control group)"};
  }
}

}  // namespace loopscope
