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
constexpr Nanos kAliveLookInterval = 5ms;

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
                                         std::move(info), *stack);
}

UvStackSource::UvStackSource(std::shared_ptr<const UvProcess> process, UvLoopLocation location,
                             ThreadCounters counters, LoopInfo info, StackExtent stack)
    : process_(std::move(process)),
      location_(location),
      counters_(std::move(counters)),
      info_(std::move(info)),
      stack_(stack) {}

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
  const std::uint64_t lost_before = lost_turns_;
  if (const auto phase = process_->phase_of(words.run)) {
    lost_in_a_row_ = 0;
    sample.phase = *phase;
    if (*phase == Phase::kPoll && process_->is_wait_site(words.io)) {
      sample.phase = Phase::kPollWait;
    }
  } else {
    switch (look_outside(now)) {
      case Outside::kWorks:
        lost_in_a_row_ = 0;
        break;
      case Outside::kWaitsInOwnPoll:
        lost_in_a_row_ = 0;
        sample.phase = Phase::kPollWait;
        find_place_again(now);
        break;
      case Outside::kUnknown:
        if (++lost_in_a_row_ > kMaxLostInARow) {
          return Error{"thread " + std::to_string(counters_.tid()) + " has left uv_run"};
        }
        ++lost_turns_;
    }
  }
  if (location_.loop == 0) {
    retry_find_loop(now);
    // Without the loop nothing tells its turns: each look then stands for itself.
    sample.iteration = ++lost_turns_;
  } else if (location_.loop_count != 0) {
    sample.iteration = words.loop_count + lost_turns_;
    sample.iteration_is_count = lost_turns_ == lost_before;
  } else {
    const auto base = location_.poll_base != 0 ? std::optional(words.poll_base) : std::nullopt;
    sample.iteration = evidence_.observe(sample.phase, base, words.loop_time) + lost_turns_;
  }
  sample.collecting = gc_word_ && words.gc == gc_word_->value && sample.phase != Phase::kPollWait;
  if (words.gc && gc_word_->times) {
    sample.collections = collections_from(words.gc_times, gc_word_->times->in_milliseconds, now);
  }
  look_closer(sample);
  last_ = sample;
  return sample;
}

bool UvStackSource::read_words(Words& words) const {
  std::array<RemoteRead, 9> pieces;
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
  if (words.gc) {
    add(gc_word_->address, *words.gc);
    if (const auto& times = gc_word_->times) {
      add(times->current, words.gc_times.current);
      add(times->previous, words.gc_times.previous);
      add(times->count, words.gc_times.count);
    }
  }
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

UvStackSource::Outside UvStackSource::look_outside(Nanos now) {
  if (location_.loop == 0) return Outside::kUnknown;
  if (now >= next_alive_look_) {
    next_alive_look_ = now + kAliveLookInterval;
    is_alive_ = process_->is_alive(location_.loop);
  }
  // A loop that has nothing left to wait for is over; what follows is another thing.
  if (!is_alive_) return Outside::kUnknown;
  const auto call = counters_.syscall();
  if (!call) return Outside::kUnknown;
  if (call->in_epoll_wait()) {
    const auto fd = process_->backend_fd(location_.loop);
    const bool is_own = fd && call->args[0] == static_cast<std::uint64_t>(*fd);
    return is_own ? Outside::kWaitsInOwnPoll : Outside::kUnknown;
  }
  // It may run this loop from within another one.
  return call->in_poll() ? Outside::kUnknown : Outside::kWorks;
}

void UvStackSource::find_place_again(Nanos now) {
  if (now < next_find_ || stack_.high == 0) return;
  next_find_ = now + kFindInterval;
  const auto found = process_->locate(stack_.low, stack_.high);
  if (found && found->loop == location_.loop && found->io_word != 0) location_ = *found;
}

void UvStackSource::retry_find_loop(Nanos now) {
  if (now < next_find_) return;
  next_find_ = now + kFindInterval;
  process_->find_loop(location_);
}

// What costs more reads is asked only while nothing changes, and not at every look.
void UvStackSource::look_closer(LoopSample& sample) {
  const bool unchanged = sample.phase == last_.phase && sample.iteration == last_.iteration;
  const bool waits = sample.phase == Phase::kPollWait;
  // A thread that was stopped while it waited does not wait.
  const bool has_run = sample.sched && last_.sched && sample.sched->run != last_.sched->run;
  if (!unchanged || (waits && has_run)) return follow_timers(sample, false);
  if (sample.at < next_closer_look_) {
    sample.stopped = last_.stopped;
    return follow_timers(sample, false);
  }
  sample.stopped = stop_.is_stopped(counters_, sample.at);
  next_closer_look_ =
      sample.at + (waits && !sample.stopped ? kWaitingLookInterval : kCloserLookInterval);
  follow_timers(sample, !waits);
}

/// `look`: a look at the lateness is due; else the last one goes on.
void UvStackSource::follow_timers(LoopSample& sample, bool look) {
  if (location_.loop == 0) return;
  const auto& memory = process_->memory();
  if (sample.phase != Phase::kTimers) {
    in_timers_since_ = Nanos{0};
    timers_.remember(memory, location_.loop, sample.at);
  } else if (in_timers_since_ == Nanos{0} || sample.iteration != last_.iteration) {
    in_timers_since_ = sample.at;
  }
  if (sample.phase == Phase::kPollWait) return;
  if (!look) {
    if (sample.iteration == last_.iteration) sample.timer_lateness = last_.timer_lateness;
    return;
  }
  sample.timer_lateness =
      sample.phase == Phase::kTimers
          ? timers_.lateness_in_timers(memory, location_.loop, sample.at, in_timers_since_)
          : timers_.lateness(memory, location_.loop, sample.at);
}

bool UvStackSource::is_internal() const {
  if (location_.loop == 0) return false;
  const auto types = process_->handle_types(location_.loop);
  return types && !types->empty() &&
         std::find(types->begin(), types->end(), uv_layout::kHandleTypeCheck) == types->end();
}

}  // namespace loopscope
