#include "target/epoll_waiters.h"

#include <algorithm>

#include "target/process_info.h"
#include "target/thread_counters.h"

namespace loopscope {

std::vector<EpollWaiter> epoll_waiters(int pid, std::span<const int> tids) {
  std::vector<EpollWaiter> waiters;
  for (const int tid : tids.first(std::min(tids.size(), kMaxThreadsAsked))) {
    auto counters = ThreadCounters::open(pid, tid);
    if (!counters) continue;
    const auto state = counters->syscall();
    if (state && state->in_epoll_wait()) waiters.push_back({tid, state->args[0]});
  }
  return waiters;
}

bool is_polling_pool(const std::string& thread_name) {
  // "tokio-runtime-worker", later "tokio-rt-worker"; the kernel keeps 15 characters.
  return thread_name.starts_with("tokio-runtime-w") || thread_name.starts_with("tokio-rt-worker");
}

bool is_one_of_a_pool(int pid, int tid, std::span<const int> others) {
  const auto name = thread_name(pid, tid);
  const auto process = thread_name(pid, pid);
  if (!name || !process || *name == *process) return false;
  bool has_sleeper = false;
  for (const int other : others.first(std::min(others.size(), kMaxThreadsAsked))) {
    const auto peer = thread_name(pid, other);
    if (!peer || *peer != *name) continue;
    auto counters = ThreadCounters::open(pid, other);
    const auto call = counters ? counters->syscall() : Result<SyscallState>(counters.error());
    if (!call) continue;
    if (call->in_epoll_wait()) return false;
    has_sleeper |= call->in_futex();
  }
  return has_sleeper;
}

WaitVerdict judge_waits(int pid, std::span<const EpollWaiter> waiters) {
  WaitVerdict verdict;
  for (const EpollWaiter& waiter : waiters) {
    const auto shares = [&waiter](const EpollWaiter& other) {
      return other.epoll_fd == waiter.epoll_fd;
    };
    if (std::count_if(waiters.begin(), waiters.end(), shares) > 1) {
      verdict.why_not = "several of its threads poll one epoll descriptor";
      continue;
    }
    const auto name = thread_name(pid, waiter.tid);
    if (name && is_polling_pool(*name)) {
      verdict.why_not = "the workers of tokio hand polling to each other";
      continue;
    }
    verdict.has_loop = true;
  }
  return verdict;
}

}  // namespace loopscope
