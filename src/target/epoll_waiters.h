#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace loopscope {

/// A thread that sleeps in an epoll call at this instant.
struct EpollWaiter {
  int tid = 0;
  std::uint64_t epoll_fd = 0;
};

/// Who of these threads waits in epoll; at most kMaxThreadsAsked of them are asked. Threads
/// that cannot be looked at wait nowhere. Some 6 us a thread; needs ptrace access.
inline constexpr std::size_t kMaxThreadsAsked = 256;
std::vector<EpollWaiter> epoll_waiters(int pid, std::span<const int> tids);

/// Threads of pools that take turns in polling one descriptor, known by their name alone:
/// the workers of Rust's tokio, unless the program has named them.
bool is_polling_pool(const std::string& thread_name);

/// Whether thread `tid` bears one name with others of the process, not the process's own, that
/// sleep in a futex while none of them polls: the workers of a pool, one of which polls for
/// all. `others`: its siblings.
bool is_one_of_a_pool(int pid, int tid, std::span<const int> others);

/// What speaks against the waits of a process being those of an event loop.
struct WaitVerdict {
  bool has_loop = false;  ///< some thread waits in epoll as an event loop may
  std::string why_not;    ///< what the threads that wait are instead; empty: none waits
};
WaitVerdict judge_waits(int pid, std::span<const EpollWaiter> waiters);

}  // namespace loopscope
