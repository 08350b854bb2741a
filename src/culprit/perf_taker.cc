#include "culprit/perf_taker.h"

#include <fcntl.h>
#include <linux/perf_event.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <string>

#include "base/unique_fd.h"
#include "culprit/passing_refusal.h"
#include "culprit/perf_record.h"
#include "target/access_refusal.h"
#include "target/proc_file.h"

namespace loopscope {
namespace {

constexpr std::uint64_t kPeriodNs = 1'000'000;
/// Room for seven samples; perf wants a power of two of pages.
constexpr std::size_t kPage = 4096;
constexpr std::size_t kRingBytes = 64 * kPage;
constexpr std::size_t kMaxSamples = 7;

/// Whether the process is closed to us, whatever perf events are.
bool is_closed(int pid) {
  const std::string path = "/proc/" + std::to_string(pid) + "/maps";
  return !UniqueFd(::open(path.c_str(), O_RDONLY | O_CLOEXEC)).valid() &&
         (errno == EACCES || errno == EPERM);
}

Error perf_error(int pid, int tid, int cause) {
  std::string message = "perf events of thread " + std::to_string(tid) + ": ";
  switch (cause) {
    case EACCES:
    case EPERM: {
      const auto paranoid = read_proc_file("/proc/sys/kernel/perf_event_paranoid", 16);
      message += "refused; ";
      if (is_closed(pid)) message += explain_refusal(read_access_facts(pid, false)) + "; and ";
      message += "kernel.perf_event_paranoid has to be at most 2, or CAP_PERFMON there";
      if (paranoid && !paranoid->empty()) {
        message += " (it is " + paranoid->substr(0, paranoid->find('\n')) + ")";
      }
      return Error{message};
    }
    case ENOSYS:
      return Error{message + "this kernel or its seccomp filter does not offer them"};
    case ESRCH:
      return Error{message + "it has ended"};
    default:
      return Error{message + errno_text(cause)};
  }
}

/// The buffer the kernel writes samples to, mapped for as long as this lives.
class Ring {
 public:
  explicit Ring(int event)
      : memory_(::mmap(nullptr, kPage + kRingBytes, PROT_READ | PROT_WRITE, MAP_SHARED, event, 0)) {
  }
  ~Ring() {
    if (valid()) ::munmap(memory_, kPage + kRingBytes);
  }
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;

  bool valid() const { return memory_ != MAP_FAILED; }

  /// Moves what has arrived into `samples`.
  void drain(std::vector<StackSample>& samples) {
    auto* page = static_cast<perf_event_mmap_page*>(memory_);
    const std::uint64_t head = std::atomic_ref(page->data_head).load(std::memory_order_acquire);
    std::uint64_t tail = page->data_tail;
    while (head - tail >= sizeof(perf_event_header)) {
      perf_event_header header{};
      copy(tail, {reinterpret_cast<std::byte*>(&header), sizeof header});
      if (header.size < sizeof header || header.size > head - tail) break;
      if (header.type == PERF_RECORD_SAMPLE) {
        std::vector<std::byte> body(header.size - sizeof header);
        copy(tail + sizeof header, body);
        if (auto sample = parse_perf_sample(body)) samples.push_back(std::move(*sample));
      }
      tail += header.size;
    }
    std::atomic_ref(page->data_tail).store(tail, std::memory_order_release);
  }

 private:
  void copy(std::uint64_t from, std::span<std::byte> to) const {
    const std::byte* data = static_cast<const std::byte*>(memory_) + kPage;
    const std::size_t at = from % kRingBytes;
    const std::size_t first = std::min(to.size(), kRingBytes - at);
    std::memcpy(to.data(), data + at, first);
    std::memcpy(to.data() + first, data, to.size() - first);
  }

  void* memory_;
};

UniqueFd open_event(int tid) {
  perf_event_attr attr{};
  attr.size = sizeof attr;
  attr.type = PERF_TYPE_SOFTWARE;
  attr.config = PERF_COUNT_SW_CPU_CLOCK;
  attr.sample_period = kPeriodNs;
  attr.sample_type =
      PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_REGS_USER | PERF_SAMPLE_STACK_USER;
  attr.sample_regs_user = kPerfRegisters;
  attr.sample_stack_user = kPerfStackBytes;
  attr.disabled = 1;
  attr.exclude_kernel = 1;
  attr.exclude_hv = 1;
  attr.wakeup_events = 1;
  attr.use_clockid = 1;
  attr.clockid = CLOCK_MONOTONIC;
  return UniqueFd(
      static_cast<int>(::syscall(SYS_perf_event_open, &attr, tid, -1, -1, PERF_FLAG_FD_CLOEXEC)));
}

/// The first event of a machine takes 8 to 16 ms to open: the kernel patches its scheduler
/// for it, and again when the last one is closed. One of our own thread, never enabled,
/// stays open so that those of targets come at once.
void keep_perf_ready() { static const UniqueFd own_event = open_event(0); }

}  // namespace

Result<std::unique_ptr<StackTaker>> PerfTaker::open(int pid, int tid) {
  keep_perf_ready();
  const bool opens = open_event(tid).valid();
  if (!opens && !is_passing_refusal(errno)) return perf_error(pid, tid, errno);
  return std::unique_ptr<StackTaker>(new PerfTaker(pid, tid));
}

Result<std::vector<StackSample>> PerfTaker::take(std::size_t count, Nanos patience) {
  count = std::min(count, kMaxSamples);
  const UniqueFd event = open_event(tid_);
  if (!event.valid()) {
    if (is_passing_refusal(errno)) return std::vector<StackSample>();
    return perf_error(pid_, tid_, errno);
  }
  Ring ring(event.get());
  if (!ring.valid()) {
    if (is_passing_refusal(errno)) return std::vector<StackSample>();
    return Error{"perf events of thread " + std::to_string(tid_) +
                 ": no buffer: " + errno_text(errno) + " (kernel.perf_event_mlock_kb limits it)"};
  }
  if (::ioctl(event.get(), PERF_EVENT_IOC_ENABLE, 0) != 0) return perf_error(pid_, tid_, errno);
  std::vector<StackSample> samples;
  const Nanos deadline = taking_time() + patience;
  for (Nanos left = patience; left > Nanos(0) && samples.size() < count;
       left = deadline - taking_time()) {
    pollfd ready{event.get(), POLLIN, 0};
    const timespec timeout{left / std::chrono::seconds(1),
                           (left % std::chrono::seconds(1)).count()};
    if (::ppoll(&ready, 1, &timeout, nullptr) < 0 && errno != EINTR) break;
    ring.drain(samples);
    if ((ready.revents & POLLHUP) != 0) break;  // the thread has ended
  }
  ::ioctl(event.get(), PERF_EVENT_IOC_DISABLE, 0);
  ring.drain(samples);
  // While this thread waited for a CPU more may have come.
  if (samples.size() > count) samples.resize(count);
  // The kernel writes ids as our own PID namespace has them; what was asked for is known.
  for (StackSample& sample : samples) {
    sample.pid = pid_;
    sample.tid = tid_;
  }
  return samples;
}

}  // namespace loopscope
