#include "embed/thread_times.h"

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstring>
#include <string>
#include <string_view>

namespace loopscope {
namespace {

constexpr std::uint64_t kNanosPerSecond = 1'000'000'000;

std::uint64_t thread_cpu_ns() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * kNanosPerSecond +
         static_cast<std::uint64_t>(now.tv_nsec);
}

std::uint64_t over(std::uint64_t value, std::uint64_t base) {
  return value > base ? value - base : 0;
}

}  // namespace

std::uint64_t ThreadTimesMeter::runqueue_ns() {
  // Opened once per thread: the loop may be set up on one thread and run on another.
  if (const int tid = gettid(); tid != tid_) {
    tid_ = tid;
    const std::string path = "/proc/self/task/" + std::to_string(tid) + "/schedstat";
    schedstat_.reset(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  }
  std::array<char, 96> text{};
  const ssize_t length =
      schedstat_.valid() ? pread(schedstat_.get(), text.data(), text.size(), 0) : 0;
  if (length <= 0) return 0;
  // "<on CPU ns> <run queue ns> <slices>" (Documentation/scheduler/sched-stats.rst)
  const std::string_view line(text.data(), static_cast<std::size_t>(length));
  const std::size_t space = line.find(' ');
  if (space == std::string_view::npos) return 0;
  std::uint64_t waited = 0;
  std::from_chars(line.data() + space + 1, line.data() + line.size(), waited);
  return waited;
}

void ThreadTimesMeter::renew(std::uint64_t now_ns) {
  baseline_at_ns_ = now_ns;
  baseline_cpu_ns_ = thread_cpu_ns();
  baseline_runqueue_ns_ = runqueue_ns();
  busy_since_baseline_ns_ = 0;
}

ThreadTimes ThreadTimesMeter::since_last_turn() {
  if (baseline_at_ns_ == 0 || gettid() != tid_) return {};
  // The turns that ended since the baseline were busy, so they used about that much.
  const std::uint64_t cpu_ns =
      over(over(thread_cpu_ns(), baseline_cpu_ns_), busy_since_baseline_ns_);
  return {cpu_ns, over(runqueue_ns(), baseline_runqueue_ns_), schedstat_.valid()};
}

}  // namespace loopscope
