#include "target/thread_counters.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "target/own_stops.h"
#include "target/proc_file.h"
#include "target/remote_memory.h"

namespace loopscope {
namespace {

#if defined(__x86_64__)
constexpr std::int64_t kEpollWait = 232;
constexpr std::int64_t kEpollPwait = 281;
constexpr std::int64_t kFutex = 202;
constexpr std::array<std::int64_t, 4> kPolls = {7, 23, 270, 271};  // poll, select, pselect6, ppoll
#else
constexpr std::int64_t kEpollWait = -2;  // only the older architectures have it
constexpr std::int64_t kEpollPwait = 22;
constexpr std::int64_t kFutex = 98;
constexpr std::array<std::int64_t, 2> kPolls = {72, 73};  // pselect6, ppoll
#endif
constexpr std::int64_t kFutexWaitv = 449;
constexpr std::int64_t kEpollPwait2 = 441;

/// Value of a "key:\t123" line.
bool find_value(std::string_view text, std::string_view key, std::uint64_t& value) {
  const std::size_t at = text.find(key);
  if (at == std::string_view::npos) return false;
  std::string_view rest = text.substr(at + key.size());
  return take_number(rest, value);
}

}  // namespace

bool SyscallState::in_epoll_wait() const {
  return !running && (number == kEpollWait || number == kEpollPwait || number == kEpollPwait2);
}

bool SyscallState::in_poll() const {
  return !running && std::find(kPolls.begin(), kPolls.end(), number) != kPolls.end();
}

bool SyscallState::in_futex() const {
  return !running && (number == kFutex || number == kFutexWaitv);
}

std::optional<SyscallState> parse_syscall(std::string_view text) {
  SyscallState state;
  if (text.starts_with("running")) {
    state.running = true;
    return state;
  }
  std::uint64_t number = 0;
  if (text.starts_with("-1")) {
    text.remove_prefix(2);
    if (!take_number(text, state.sp) || !take_number(text, state.pc)) return std::nullopt;
    return state;
  }
  if (!take_number(text, number) || number > 100000) return std::nullopt;
  state.number = static_cast<std::int64_t>(number);
  for (std::uint64_t& arg : state.args) {
    if (!take_number(text, arg)) return std::nullopt;
  }
  if (!take_number(text, state.sp) || !take_number(text, state.pc)) return std::nullopt;
  return state;
}

ThreadCounters::ThreadCounters(int pid, int tid, UniqueFd task_dir)
    : pid_(pid), tid_(tid), task_dir_(std::move(task_dir)) {}

Result<ThreadCounters> ThreadCounters::open(int pid, int tid) {
  const std::string path = "/proc/" + std::to_string(pid) + "/task/" + std::to_string(tid);
  UniqueFd directory(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!directory.valid()) return Error{"cannot open " + path + ": " + errno_text(errno)};
  return ThreadCounters(pid, tid, std::move(directory));
}

Result<std::string_view> ThreadCounters::read(UniqueFd& file, const char* name,
                                              std::span<char> buffer) {
  const auto refusal = [&](int cause) {
    // The kernel asks for more (PTRACE_MODE_ATTACH) where it tells of registers.
    return ptrace_access_error(pid_, name, cause, std::string_view(name) == "syscall");
  };
  if (!file.valid()) {
    file.reset(::openat(task_dir_.get(), name, O_RDONLY | O_CLOEXEC));
    if (!file.valid()) {
      // A directory of a thread that is gone has no entries.
      const int cause = errno == ENOENT ? ESRCH : errno;
      Error error = refusal(cause);
      // The file's own permissions are in the way, too.
      if (cause == EACCES) error.message += "; for another user's process CAP_DAC_OVERRIDE, too";
      return error;
    }
  }
  const long got = pread_start(file.get(), buffer);
  if (got < 0) return refusal(errno);
  if (got == 0) return refusal(ESRCH);
  return std::string_view(buffer.data(), static_cast<std::size_t>(got));
}

Result<ThreadCounters::SchedDetail> ThreadCounters::sched_detail() {
  std::array<char, 128> buffer;
  const auto text = read(sched_, "schedstat", buffer);
  if (!text) return text.error();
  std::string_view rest = *text;
  std::uint64_t run = 0;
  std::uint64_t wait = 0;
  SchedDetail detail;
  if (!take_number(rest, run) || !take_number(rest, wait) ||
      !take_number(rest, detail.timeslices)) {
    return Error{"cannot understand schedstat of pid " + std::to_string(pid_)};
  }
  detail.times.run = Nanos(run) + own_stops();
  detail.times.runqueue_wait = Nanos(wait);
  return detail;
}

Nanos ThreadCounters::own_stops() {
  const Nanos seen = OwnStops::instance().total(tid_);
  own_stops_ += std::max(seen - own_stops_seen_, Nanos(0));
  own_stops_seen_ = seen;
  return own_stops_;
}

Result<SchedCounters> ThreadCounters::sched() {
  const auto detail = sched_detail();
  if (!detail) return detail.error();
  return detail->times;
}

Result<SyscallState> ThreadCounters::syscall() {
  std::array<char, 256> buffer;
  const auto text = read(syscall_, "syscall", buffer);
  if (!text) return text.error();
  const auto state = parse_syscall(*text);
  if (!state) return Error{"cannot understand syscall of pid " + std::to_string(pid_)};
  return *state;
}

Result<ProcStat> ThreadCounters::stat() {
  std::array<char, 1024> buffer;
  const auto text = read(stat_, "stat", buffer);
  if (!text) return text.error();
  auto stat = parse_proc_stat(*text);
  if (!stat) return Error{"cannot understand stat of pid " + std::to_string(pid_)};
  stat->comm = {};
  return *stat;
}

Result<char> ThreadCounters::state() {
  const auto line = stat();
  if (!line) return line.error();
  return line->state;
}

Result<IoCounters> ThreadCounters::io() {
  std::array<char, 512> buffer;
  const auto text = read(io_, "io", buffer);
  if (!text) return text.error();
  IoCounters counters;
  if (!find_value(*text, "syscr: ", counters.read_calls) ||
      !find_value(*text, "syscw: ", counters.write_calls)) {
    return Error{"cannot understand io of pid " + std::to_string(pid_)};
  }
  return counters;
}

Result<std::uint64_t> ThreadCounters::voluntary_switches() {
  std::array<char, 4096> buffer;
  const auto text = read(status_, "status", buffer);
  if (!text) return text.error();
  std::uint64_t count = 0;
  if (!find_value(*text, "\nvoluntary_ctxt_switches:", count)) {
    return Error{"cannot understand status of pid " + std::to_string(pid_)};
  }
  return count;
}

}  // namespace loopscope
