#include "sources/uv_stack/uv_stack_source.h"

#include <algorithm>
#include <array>

#include "sources/uv_stack/uv_thread_stack.h"
#include "target/uv_layout.h"

namespace loopscope {
namespace {

using namespace std::chrono_literals;

// A word that is no site for this many looks: uv_run has returned or another program runs.
constexpr int kMaxLostInARow = 50;
constexpr Nanos kFindInterval = 500ms;
constexpr Nanos kCloserLookInterval = 5ms;
constexpr Nanos kWaitingLookInterval = 50ms;
constexpr Nanos kMaxTimerLateness = 24h;

}  // namespace

Result<std::unique_ptr<UvStackSource>> UvStackSource::attach(
    std::shared_ptr<const UvProcess> process, int pid, int tid, const MemoryMap& map,
    LoopInfo info) {
  const auto stack = find_thread_stack(pid, tid, map, process->memory());
  if (!stack) return stack.error();
  const auto location = process->locate(stack->low, stack->high);
  if (!location) return Error{"thread " + std::to_string(tid) + " is not in uv_run"};
  if (location->io_word == 0) {
    return Error{"the poll of thread " + std::to_string(tid) + " was not found"};
  }
  auto counters = ThreadCounters::open(pid, tid);
  if (!counters) return counters.error();
  return std::make_unique<UvStackSource>(std::move(process), *location, std::move(*counters),
                                         std::move(info));
}

UvStackSource::UvStackSource(std::shared_ptr<const UvProcess> process, UvLoopLocation location,
                             ThreadCounters counters, LoopInfo info)
    : process_(std::move(process)),
      location_(location),
      counters_(std::move(counters)),
      info_(std::move(info)) {}

Result<LoopSample> UvStackSource::sample(Nanos now) {
  LoopSample sample;
  sample.at = now;
  const auto sched = counters_.sched();
  if (!sched) return sched.error();
  sample.sched = *sched;

  Words words;
  if (!read_with_gc(words)) {
    return Error{"the stack of thread " + std::to_string(counters_.tid()) + " is gone"};
  }
  const auto phase = process_->phase_of(words.run);
  if (!phase) {
    if (++lost_in_a_row_ > kMaxLostInARow) {
      return Error{"thread " + std::to_string(counters_.tid()) + " has left uv_run"};
    }
    ++lost_turns_;
  } else {
    lost_in_a_row_ = 0;
    sample.phase = *phase;
    if (*phase == Phase::kPoll && process_->is_wait_site(words.io)) {
      sample.phase = Phase::kPollWait;
    }
  }
  if (location_.loop == 0) {
    retry_find_loop(now);
    // Without the loop nothing tells its turns: each look then stands for itself.
    sample.iteration = ++lost_turns_;
  } else if (location_.loop_count != 0) {
    sample.iteration = words.loop_count + lost_turns_;
    sample.iteration_is_count = lost_turns_ == 0;
  } else {
    const auto base = location_.poll_base != 0 ? std::optional(words.poll_base) : std::nullopt;
    sample.iteration = evidence_.observe(sample.phase, base, words.loop_time) + lost_turns_;
  }
  sample.collecting = gc_word_ && words.gc == gc_word_->value && sample.phase != Phase::kPollWait;
  look_closer(sample);
  last_ = sample;
  return sample;
}

bool UvStackSource::read_words(Words& words) const {
  std::array<RemoteRead, 6> pieces;
  std::size_t count = 0;
  const auto add = [&pieces, &count](std::uint64_t address, auto& word) {
    if (address != 0) pieces[count++] = {address, &word, sizeof word};
  };
  add(location_.run_word, words.run);
  add(location_.io_word, words.io);
  add(location_.loop_count, words.loop_count);
  if (location_.loop != 0 && location_.loop_count == 0) {
    add(location_.poll_base, words.poll_base);
    add(location_.loop + uv_layout::kLoopTime, words.loop_time);
  }
  if (words.gc) add(gc_word_->address, *words.gc);
  return process_->memory().read_many(std::span(pieces.data(), count));
}

bool UvStackSource::read_with_gc(Words& words) {
  const bool was_busy = last_.at != Nanos{0} && last_.phase != Phase::kPollWait;
  if (!gc_word_ || !was_busy) return read_words(words);
  words.gc = 0;
  if (read_words(words)) return true;
  words = {};
  if (!read_words(words)) return false;
  gc_word_.reset();
  return true;
}

void UvStackSource::watch_gc(std::optional<GcWord> word) {
  gc_word_ = word && word->address != 0 ? word : std::nullopt;
}

void UvStackSource::retry_find_loop(Nanos now) {
  if (now < next_find_) return;
  next_find_ = now + kFindInterval;
  process_->find_loop(location_);
}

// What costs more reads is asked only while nothing changes, and not at every look.
void UvStackSource::look_closer(LoopSample& sample) {
  if (sample.phase != last_.phase || sample.iteration != last_.iteration) return;
  const bool waits = sample.phase == Phase::kPollWait;
  // A thread that was stopped while it waited does not wait.
  const bool has_run = sample.sched && last_.sched && sample.sched->run != last_.sched->run;
  if (waits && has_run) return;
  if (sample.at < next_closer_look_) {
    sample.stopped = last_.stopped;
    sample.timer_lateness = last_.timer_lateness;
    return;
  }
  sample.stopped = stop_.is_stopped(counters_, sample.at);
  next_closer_look_ =
      sample.at + (waits && !sample.stopped ? kWaitingLookInterval : kCloserLookInterval);
  if (!waits) sample.timer_lateness = timer_lateness(sample.at);
}

Nanos UvStackSource::timer_lateness(Nanos now) const {
  if (location_.loop == 0) return Nanos{0};
  const auto& memory = process_->memory();
  const auto node = memory.read_value<std::uint64_t>(location_.loop + uv_layout::kLoopTimerHeap);
  if (!node || *node == 0) return Nanos{0};
  const auto due_ms = memory.read_value<std::uint64_t>(*node - uv_layout::kTimerHeapNode +
                                                       uv_layout::kTimerTimeout);
  const auto now_ms = static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
  if (!due_ms || *due_ms >= now_ms) return Nanos{0};
  const Nanos late = std::chrono::milliseconds(now_ms - *due_ms);
  return late <= kMaxTimerLateness ? late : Nanos{0};
}

bool UvStackSource::is_internal() const {
  if (location_.loop == 0) return false;
  const auto types = process_->handle_types(location_.loop);
  return !types.empty() && std::all_of(types.begin(), types.end(), [](int type) {
    return type == uv_layout::kHandleTypeAsync || type == uv_layout::kHandleTypeTimer ||
           type == uv_layout::kHandleTypeSignal;
  });
}

}  // namespace loopscope
