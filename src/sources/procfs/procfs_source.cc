#include "sources/procfs/procfs_source.h"

#include <climits>
#include <utility>

#include "target/open_files.h"

namespace loopscope {
namespace {

constexpr Nanos kStateInterval = std::chrono::milliseconds(20);
/// A nested loop that goes on for this long is what the thread does now.
constexpr Nanos kLongestNested = std::chrono::seconds(60);

}  // namespace

Result<ThreadLook> ProcfsSource::look_at(ThreadCounters& counters) {
  const auto syscall = counters.syscall();
  if (!syscall) return syscall.error();
  const auto sched = counters.sched_detail();
  if (!sched) return sched.error();
  return ThreadLook{*syscall, *sched};
}

Result<std::unique_ptr<ProcfsSource>> ProcfsSource::attach(int pid, int tid, LoopInfo info) {
  auto counters = ThreadCounters::open(pid, tid);
  if (!counters) return counters.error();
  const auto look = look_at(*counters);
  if (!look) return look.error();
  if (!look->syscall.in_epoll_wait()) return std::unique_ptr<ProcfsSource>();
  // Without these no busy period could be claimed: better to say so at once.
  if (const auto io = counters->io(); !io) return io.error();
  if (const auto sleeps = counters->voluntary_switches(); !sleeps) return sleeps.error();
  return std::unique_ptr<ProcfsSource>(
      new ProcfsSource(std::move(*counters), std::move(info), *look));
}

ProcfsSource::ProcfsSource(ThreadCounters counters, LoopInfo info, const ThreadLook& look)
    : counters_(std::move(counters)),
      info_(std::move(info)),
      evidence_(counters_, look),
      epoll_fd_(look.syscall.args[0]),
      wait_sp_(look.syscall.sp),
      last_(look) {
  if (evidence_.limitation().empty()) return;
  if (!info_.note.empty()) info_.note += "; ";
  info_.note += evidence_.limitation();
}

bool ProcfsSource::is_own_wait(const SyscallState& syscall, Nanos now) {
  if (!syscall.in_epoll_wait()) return false;
  if (last_own_wait_ == Nanos{0}) last_own_wait_ = now;
  const std::uint64_t fd = syscall.args[0];
  bool is_own = fd == epoll_fd_ || syscall.sp >= wait_sp_;
  if (!is_own) {
    // Nested, or the thread runs another loop now than when it was met.
    const bool exists = epoll_fd_ <= INT_MAX &&
                        look_at_open_file(counters_.pid(), static_cast<int>(epoll_fd_)).is_epoll;
    is_own = !exists || now - last_own_wait_ > kLongestNested;
  }
  if (!is_own) return false;
  epoll_fd_ = fd;
  wait_sp_ = syscall.sp;
  last_own_wait_ = now;
  return true;
}

// A stopped thread keeps the system call it was stopped in, so it can look like a waiting
// one. Asked only of a thread that does nothing, and not at every look.
bool ProcfsSource::is_stopped(const ThreadLook& look, Nanos now) {
  if (!look.has_slept_since(last_)) stopped_ = false;
  if (look.syscall.running || now < next_state_look_) return stopped_;
  next_state_look_ = now + kStateInterval;
  stopped_ = stop_.is_stopped(counters_, now);
  return stopped_;
}

/// Brings `iteration_` up to this look.
Result<void> ProcfsSource::follow(const ThreadLook& look, bool waits, Nanos now) {
  if (waits) {
    if (waited_ && look.has_slept_since(last_)) return {};
    ++iteration_;
    return evidence_.observe_wait(look);
  }
  if (waited_) return evidence_.begin(now);
  const auto polled = evidence_.has_polled(last_, look, now);
  if (!polled) return polled.error();
  if (*polled) ++iteration_;
  return {};
}

Result<LoopSample> ProcfsSource::sample(Nanos now) {
  const auto look = look_at(counters_);
  if (!look) return look.error();
  LoopSample sample;
  sample.at = now;
  sample.sched = look->sched.times;
  sample.stopped = is_stopped(*look, now);
  const bool waits = is_own_wait(look->syscall, now);
  const auto followed = follow(*look, waits, now);
  if (!followed) return followed.error();
  sample.phase = waits ? Phase::kPollWait : Phase::kUnknown;
  sample.iteration = iteration_;
  last_ = *look;
  waited_ = waits;
  return sample;
}

}  // namespace loopscope
