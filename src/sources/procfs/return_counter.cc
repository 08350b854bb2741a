#include "sources/procfs/return_counter.h"

#include <linux/hw_breakpoint.h>
#include <linux/perf_event.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <utility>

#include "target/proc_file.h"

namespace loopscope {

ReturnCounter::ReturnCounter(UniqueFd event, std::uint64_t address)
    : event_(std::move(event)), address_(address) {}

Result<ReturnCounter> ReturnCounter::open(int tid, std::uint64_t address) {
  perf_event_attr attributes{};
  attributes.size = sizeof attributes;
  attributes.type = PERF_TYPE_BREAKPOINT;
  attributes.bp_type = HW_BREAKPOINT_X;
  attributes.bp_addr = address;
  // x86 takes execution breakpoints of this length only, arm64 those of one instruction.
#if defined(__x86_64__)
  attributes.bp_len = sizeof(long);
#else
  attributes.bp_len = HW_BREAKPOINT_LEN_4;
#endif
  attributes.exclude_kernel = 1;
  attributes.exclude_hv = 1;
  attributes.disabled = 1;
  UniqueFd event(static_cast<int>(
      ::syscall(SYS_perf_event_open, &attributes, tid, -1, -1, PERF_FLAG_FD_CLOEXEC)));
  if (event.valid()) return ReturnCounter(std::move(event), address);
  const int cause = errno;
  std::string message =
      "cannot count the polls of thread " + std::to_string(tid) + ": " + errno_text(cause);
  if (cause == EACCES || cause == EPERM) {
    const auto paranoid = read_proc_file("/proc/sys/kernel/perf_event_paranoid", 16);
    message += "; run with CAP_PERFMON";
    if (paranoid && !paranoid->empty() && paranoid->front() >= '3') {
      message += " or set kernel.perf_event_paranoid to 2";
    } else {
      message += " or, in a container, with a seccomp profile that allows perf_event_open";
    }
  }
  return Error{message};
}

bool ReturnCounter::start() { return ::ioctl(event_.get(), PERF_EVENT_IOC_ENABLE, 0) == 0; }

void ReturnCounter::stop() { ::ioctl(event_.get(), PERF_EVENT_IOC_DISABLE, 0); }

std::optional<std::uint64_t> ReturnCounter::count() const {
  std::uint64_t hits = 0;
  // An event in error state (its breakpoint could not be set) reads as end of file.
  if (::read(event_.get(), &hits, sizeof hits) != sizeof hits) return std::nullopt;
  return hits;
}

}  // namespace loopscope
