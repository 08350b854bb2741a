#include "sources/procfs/procfs_source.h"

#include <algorithm>
#include <climits>
#include <utility>

#include "target/epoll_waiters.h"
#include "target/open_files.h"
#include "target/process_info.h"

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

Result<std::unique_ptr<ProcfsSource>> ProcfsSource::attach(int pid, int tid, LoopInfo info,
                                                           bool is_known) {
  auto counters = ThreadCounters::open(pid, tid);
  if (!counters) return counters.error();
  const auto look = look_at(*counters);
  if (!look) return look.error();
  if (!look->syscall.in_epoll_wait()) return std::unique_ptr<ProcfsSource>();
  // Without these no busy period could be claimed: better to say so at once.
  if (const auto io = counters->io(); !io) return io.error();
  if (const auto sleeps = counters->voluntary_switches(); !sleeps) return sleeps.error();
  std::unique_ptr<ProcfsSource> source(
      new ProcfsSource(std::move(*counters), std::move(info), *look, is_known));
  if (const auto name = thread_name(pid, tid); name && is_polling_pool(*name)) {
    source->proof_.refute("the workers of tokio hand polling to each other");
  }
  // At once: a process of one thread needs no proof.
  if (source->standing() == Standing::kUnproven) source->ask_siblings(Nanos{0});
  return source;
}

ProcfsSource::ProcfsSource(ThreadCounters counters, LoopInfo info, const ThreadLook& look,
                           bool is_known)
    : counters_(std::move(counters)),
      info_(std::move(info)),
      evidence_(counters_, look),
      proof_(is_known),
      epoll_fd_(look.syscall.args[0]),
      wait_sp_(look.syscall.sp),
      last_(look) {
  if (evidence_.limitation().empty()) return;
  if (!info_.note.empty()) info_.note += "; ";
  info_.note += evidence_.limitation();
}

std::string ProcfsSource::limitation() const {
  if (evidence_.limitation().empty()) return {};
  return "how long computing blocks a loop cannot be known: " + evidence_.limitation();
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
Result<void> ProcfsSource::follow(const ThreadLook& look, bool waits, LoopSample& sample) {
  if (waits) {
    if (waited_ && look.has_slept_since(last_)) return {};
    ++iteration_;
    return evidence_.observe_wait(look);
  }
  if (waited_) return evidence_.begin(sample.at);
  const auto polled = evidence_.has_polled(last_, look, sample.at);
  if (!polled) return polled.error();
  if (*polled != PollEvidence::Answer::kNo) ++iteration_;
  sample.unsure = *polled == PollEvidence::Answer::kUnknown;
  return {};
}

void ProcfsSource::ask_siblings(Nanos now) {
  const int tid = counters_.tid();
  auto tids = list_threads(counters_.pid());
  if (!tids) return;
  std::erase(*tids, tid);
  const auto waiters = epoll_waiters(counters_.pid(), *tids);
  const bool shared = std::any_of(waiters.begin(), waiters.end(), [this](const auto& waiter) {
    return waiter.epoll_fd == epoll_fd_;
  });
  const bool in_pool =
      standing() == Standing::kUnproven && is_one_of_a_pool(counters_.pid(), tid, *tids);
  proof_.saw_siblings(now, shared, tids->empty(), in_pool);
}

void ProcfsSource::prove(const ThreadLook& look, bool waits, Nanos now) {
  if (waits) {
    proof_.saw_wait(!waited_ || !look.has_slept_since(last_));
  } else {
    proof_.saw_away(now, look.syscall.in_futex());
  }
  if (proof_.wants_siblings(now)) ask_siblings(now);
}

Result<LoopSample> ProcfsSource::sample(Nanos now) {
  const auto look = look_at(counters_);
  if (!look) return look.error();
  LoopSample sample;
  sample.at = now;
  sample.sched = look->sched.times;
  sample.stopped = is_stopped(*look, now);
  const bool waits = is_own_wait(look->syscall, now);
  prove(*look, waits, now);
  if (proof_.standing() == Standing::kRefuted) return Error{doubt()};
  const auto followed = follow(*look, waits, sample);
  if (!followed) return followed.error();
  sample.phase = waits ? Phase::kPollWait : Phase::kUnknown;
  sample.iteration = iteration_;
  sample.withheld = !sample.stopped && proof_.withholds(now);
  last_ = *look;
  waited_ = waits;
  return sample;
}

}  // namespace loopscope
