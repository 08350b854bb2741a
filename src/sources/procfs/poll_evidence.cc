#include "sources/procfs/poll_evidence.h"

#include <algorithm>
#include <utility>

namespace loopscope {
namespace {

/// Most turns of a healthy loop are over before this.
constexpr Nanos kCountAfter = std::chrono::milliseconds(8);
/// How long a loop that was seen turning is taken to go on.
constexpr Nanos kTurningFor = std::chrono::milliseconds(20);
/// x86 has four debug registers; leave some to others. Most loops wait at one place.
constexpr std::size_t kMaxCounters = 2;
constexpr double kShareWeight = 1.0 / 16;
constexpr double kReliableShare = 0.9;

}  // namespace

PollEvidence::PollEvidence(ThreadCounters& counters, const ThreadLook& wait) : counters_(counters) {
  return_counters_.reserve(kMaxCounters);
  add_counter(wait.syscall.pc);
  if (const auto io = counters_.io()) io_at_wait_ = *io;
}

void PollEvidence::add_counter(std::uint64_t address) {
  const auto counts_here = [address](const ReturnCounter& counter) {
    return counter.address() == address;
  };
  if (!limitation_.empty() ||
      std::any_of(return_counters_.begin(), return_counters_.end(), counts_here)) {
    return;
  }
  if (return_counters_.size() == kMaxCounters) {
    limitation_ = "the thread waits at too many places for its polls to be counted";
    return;
  }
  auto counter = ReturnCounter::open(counters_.tid(), address);
  if (counter) {
    return_counters_.push_back(std::move(*counter));
  } else {
    limitation_ = counter.error().message;
  }
}

Result<void> PollEvidence::observe_wait(const ThreadLook& look) {
  stop_counting();
  turning_until_ = Nanos{0};
  add_counter(look.syscall.pc);
  if (limitation_.empty()) return {};
  const auto io = counters_.io();
  if (!io) return io.error();
  counted_share_ += kShareWeight * ((*io != io_at_wait_ ? 1.0 : 0.0) - counted_share_);
  io_at_wait_ = *io;
  return {};
}

Result<void> PollEvidence::begin(Nanos now) {
  const auto io = counters_.io();
  if (!io) return io.error();
  const auto sleeps = counters_.voluntary_switches();
  if (!sleeps) return sleeps.error();
  io_ = *io;
  sleeps_ = *sleeps;
  busy_since_ = now;
  return {};
}

Result<PollEvidence::Answer> PollEvidence::has_polled(const ThreadLook& before,
                                                      const ThreadLook& look, Nanos now) {
  if (look.has_slept_since(before)) return Answer::kNo;
  if (counting_) {
    const auto seen = returns();
    if (seen && seen == returns_) return Answer::kNo;
    stop_counting();
    turning_until_ = now + kTurningFor;
    return Answer::kYes;
  }
  if (now < turning_until_) return Answer::kYes;
  const auto signs = has_signs(before, look);
  if (!signs) return signs.error();
  if (!limitation_.empty()) {
    return *signs || counted_share_ < kReliableShare ? Answer::kUnknown : Answer::kNo;
  }
  if (now - busy_since_ >= kCountAfter) start_counting();
  return *signs ? Answer::kYes : Answer::kNo;
}

Result<bool> PollEvidence::has_signs(const ThreadLook& before, const ThreadLook& look) {
  const auto io = counters_.io();
  if (!io) return io.error();
  bool found = *io != io_;
  io_ = *io;
  if (!look.syscall.running || look.sched.timeslices != before.sched.timeslices) {
    const auto sleeps = counters_.voluntary_switches();
    if (!sleeps) return sleeps.error();
    // A sleep outside epoll that it is in right now is no sign.
    found |= *sleeps > sleeps_ + (look.syscall.running ? 0 : 1);
    sleeps_ = *sleeps;
  }
  return found;
}

std::optional<std::uint64_t> PollEvidence::returns() const {
  std::uint64_t sum = 0;
  for (const ReturnCounter& counter : return_counters_) {
    const auto hits = counter.count();
    if (!hits) return std::nullopt;
    sum += *hits;
  }
  return sum;
}

void PollEvidence::start_counting() {
  for (ReturnCounter& counter : return_counters_) {
    if (!counter.start()) return;
  }
  counting_ = true;
  returns_ = returns();
}

void PollEvidence::stop_counting() {
  if (!counting_) return;
  for (ReturnCounter& counter : return_counters_) counter.stop();
  counting_ = false;
}

}  // namespace loopscope
