#include "culprit/sleeping_taker.h"

#include <chrono>
#include <utility>

namespace loopscope {

Result<std::unique_ptr<StackTaker>> SleepingTaker::open(int pid, int tid) {
  auto counters = ThreadCounters::open(pid, tid);
  if (!counters) return counters.error();
  if (const auto state = counters->syscall(); !state) return state.error();
  return std::unique_ptr<StackTaker>(new SleepingTaker(std::move(*counters)));
}

Result<std::vector<StackSample>> SleepingTaker::take(std::size_t count, Nanos /*patience*/) {
  std::vector<StackSample> none;
  if (count == 0) return none;
  const auto slices = counters_.sched_detail();
  if (!slices) return slices.error();
  const auto state = counters_.syscall();
  if (!state) return state.error();
  if (state->running || state->sp == 0) return none;
  StackSample sample;
  sample.way = CaptureWay::kSleeping;
  sample.pid = counters_.pid();
  sample.tid = counters_.tid();
  sample.at = taking_time();
  sample.registers.pc = state->pc;
  sample.registers.sp = state->sp;
  sample.syscall = *state;
  sample.stack.resize(kCopiedStackBytes);
  sample.stack.resize(memory_.read_some(state->sp, sample.stack));
  const auto after = counters_.syscall();
  const auto slices_after = counters_.sched_detail();
  const bool slept =
      after && slices_after && *after == *state && slices_after->timeslices == slices->timeslices;
  if (slept) none.push_back(std::move(sample));
  return none;
}

}  // namespace loopscope
