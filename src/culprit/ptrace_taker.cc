#include "culprit/ptrace_taker.h"

#include <sched.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <string>
#include <thread>

#include "base/guarded.h"
#include "target/own_stops.h"
#include "target/proc_file.h"
#include "target/remote_memory.h"
#include "target/thread_counters.h"

namespace loopscope {
namespace {

constexpr Nanos kPoll = std::chrono::microseconds(20);
/// PTRACE_EVENT_STOP, which <sys/ptrace.h> of older glibc lacks.
constexpr int kEventStop = 128;

std::string tracer_of(int pid, int tid) {
  const auto status = read_proc_file(
      "/proc/" + std::to_string(pid) + "/task/" + std::to_string(tid) + "/status", 8192);
  if (!status) return {};
  const std::size_t at = status->find("\nTracerPid:\t");
  if (at == std::string::npos) return {};
  const std::string text = status->substr(at + 12, status->find('\n', at + 12) - at - 12);
  return text == "0" ? "" : text;
}

Error seize_error(int pid, int tid, int cause) {
  if (cause == EPERM) {
    if (const std::string tracer = tracer_of(pid, tid); !tracer.empty()) {
      return Error{"cannot stop thread " + std::to_string(tid) + ": pid " + tracer +
                   " (a debugger?) traces it already"};
    }
  }
  return ptrace_access_error(pid, "the registers", cause, true);
}

bool sleeps(ThreadCounters& thread) {
  const auto state = thread.state();
  return state && (*state == 'S' || *state == 'D' || *state == 'I');
}

/// The signal that has to be passed on when the thread is let go; 0: it stopped for us.
int signal_to_pass_on(int tid) {
  siginfo_t info{};
  if (::ptrace(PTRACE_GETSIGINFO, tid, nullptr, &info) != 0) return 0;
  return info.si_code >> 8 == kEventStop ? 0 : info.si_signo;
}

/// False, with errno: ESRCH while the thread has not stopped.
bool read_registers(int tid, StackRegisters& to) {
#if defined(__x86_64__)
  user_regs_struct from{};
  if (::ptrace(PTRACE_GETREGS, tid, nullptr, &from) != 0) return false;
  to.pc = from.rip;
  to.sp = from.rsp;
  to.has_all = true;
  to.fp = from.rbp;
  to.r9 = from.r9;
  to.r12 = from.r12;
  to.r13 = from.r13;
  to.fs_base = from.fs_base;
  to.rbx = from.rbx;
  to.r14 = from.r14;
  to.r15 = from.r15;
  return true;
#else
  static_cast<void>(tid);
  static_cast<void>(to);
  errno = ENOSYS;
  return false;
#endif
}

/// The kernel's sched_attr, which older headers lack.
struct Attributes {
  std::uint32_t size = 48;
  std::uint32_t policy = 0;
  std::uint64_t flags = 0;
  std::int32_t nice = 0;
  std::uint32_t priority = 0;
  std::uint64_t runtime = 0;
  std::uint64_t deadline = 0;
  std::uint64_t period = 0;
};
static_assert(sizeof(Attributes) == 48);

/// While the target stands still, this thread must not wait for a CPU that others compute on: of
/// real-time priority, where that is permitted; else with the shortest slice, with which it comes
/// before others when it wakes (Linux 6.12 and later).
void hurry() {
  sched_param real_time{};
  real_time.sched_priority = 1;
  if (::sched_setscheduler(0, SCHED_FIFO, &real_time) == 0) return;
  Attributes attributes;
  if (::syscall(SYS_sched_getattr, 0, &attributes, std::uint32_t{sizeof attributes}, 0) != 0)
    return;
  attributes.runtime = 100'000;
  ::syscall(SYS_sched_setattr, 0, &attributes, 0);
}

/// Runs in a thread of its own, which ends after it. Absent without an error: it did not stop.
/// `thread` is bound to the one that is meant: its id may be another's by now.
Result<std::optional<StackSample>> take_one(ThreadCounters& thread) {
  const int pid = thread.pid();
  const int tid = thread.tid();
  StackSample sample;
  sample.way = CaptureWay::kPtrace;
  sample.pid = pid;
  sample.tid = tid;
  sample.stack.resize(kCopiedStackBytes);  // nothing is allocated while the target stands
  hurry();
  if (::ptrace(PTRACE_SEIZE, tid, nullptr, nullptr) != 0) return seize_error(pid, tid, errno);
  // Seized, the id cannot change hands any more. A stranger goes on undisturbed: nothing stops
  // it before the interrupt, and it is let go with the end of this thread.
  if (const auto state = thread.state(); !state) return state.error();
  if (::ptrace(PTRACE_INTERRUPT, tid, nullptr, nullptr) != 0) return std::optional<StackSample>();
  // Asking for the registers fails until it has stopped. Waiting by waitpid() instead could
  // lose the stop to another waiter of this process, whose child the target may be.
  Nanos asked = taking_time();
  Nanos running = asked;  // the last time it was found so
  const Nanos deadline = asked + PtraceTaker::kStopPatience;
  while (!read_registers(tid, sample.registers)) {
    running = asked;
    if (errno != ESRCH || taking_time() >= deadline) return std::optional<StackSample>();
    std::this_thread::sleep_for(kPoll);
    asked = taking_time();
  }
  sample.at = taking_time();
  sample.stack.resize(RemoteMemory(pid).read_some(sample.registers.sp, sample.stack));
  const auto signal = static_cast<std::uintptr_t>(signal_to_pass_on(tid));
  // NOLINTNEXTLINE(performance-no-int-to-ptr): that is how ptrace takes a number
  ::ptrace(PTRACE_DETACH, tid, nullptr, reinterpret_cast<void*>(signal));
  sample.stopped = taking_time() - running;
  return std::optional(std::move(sample));
}

Result<std::optional<StackSample>> take_in_own_thread(ThreadCounters& thread) {
  const int tid = thread.tid();
  const OwnStops::Stop stop(tid);  // outlives the tracer, with whose end the kernel lets go
  Result<std::optional<StackSample>> sample = std::optional<StackSample>();
  auto tracer = start_thread("stop", [&] { sample = take_one(thread); });
  if (!tracer) {
    return Error{"cannot stop thread " + std::to_string(tid) + ": " + tracer.error().message};
  }
  tracer->join();
  if (sample && *sample) stop.lasted((*sample)->stopped);
  return sample;
}

}  // namespace

Result<std::unique_ptr<StackTaker>> PtraceTaker::open(int pid, int tid) {
  if (const std::string tracer = tracer_of(pid, tid); !tracer.empty()) {
    return seize_error(pid, tid, EPERM);
  }
  // Reading memory asks for the same permission and leaves the target alone.
  std::byte probe{};
  errno = 0;
  if (RemoteMemory(pid).read_some(0, {&probe, 1}) == 0 && errno != EFAULT && errno != 0) {
    return seize_error(pid, tid, errno);
  }
  auto thread = ThreadCounters::open(pid, tid);
  if (!thread) return thread.error();
  if (const auto state = thread->state(); !state) return state.error();
  return std::unique_ptr<StackTaker>(new PtraceTaker(std::move(*thread)));
}

Result<std::vector<StackSample>> PtraceTaker::take(std::size_t count, Nanos patience) {
  std::vector<StackSample> samples;
  const Nanos deadline = taking_time() + patience;
  while (samples.size() < count && !sleeps(thread_)) {
    auto sample = take_in_own_thread(thread_);
    if (!sample) return sample.error();
    if (*sample) samples.push_back(std::move(**sample));
    if (taking_time() + kSpacing >= deadline) break;
    if (samples.size() < count) std::this_thread::sleep_for(kSpacing);
  }
  return samples;
}

}  // namespace loopscope
