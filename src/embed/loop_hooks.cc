#include "embed/loop_hooks.h"

#include <time.h>

#include <algorithm>

#include "embed/turn_phases.h"
#include "embed/uv_fields.h"

namespace loopscope {
namespace {

constexpr std::uint64_t kSecondNs = 1'000'000'000;
/// Turns from this length on are worth the system calls that tell their cause.
constexpr std::uint64_t kSchedulerLookNs = 5 * kMilliNs;

/// No wait is over sooner: it takes two polls and a switch to the thread and back.
constexpr std::uint64_t kShortestWaitNs = 1'000;

/// uv_hrtime() without the detour through libuv.
std::uint64_t now() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<std::uint64_t>(time.tv_sec) * kSecondNs +
         static_cast<std::uint64_t>(time.tv_nsec);
}

}  // namespace

LoopHooks::LoopHooks(uv_loop_t* loop, PublishedTurns& turns, PhaseProbe& probe,
                     TurnListener& listener)
    : loop_(loop), turns_(turns), probe_(probe), listener_(listener) {
  uv_loop_configure(loop, UV_METRICS_IDLE_TIME);
  uv_prepare_init(loop, &last_prepare_);
  uv_prepare_init(loop, &first_prepare_);
  uv_check_init(loop, &last_check_);
  uv_check_init(loop, &first_check_);
  const auto adopt = [this](auto& handle) {
    handle.data = this;
    uv_unref(reinterpret_cast<uv_handle_t*>(&handle));
    uv_fields::take_off_walk_list(handle);
  };
  adopt(last_prepare_);
  adopt(first_prepare_);
  adopt(last_check_);
  adopt(first_check_);
  uv_prepare_start(&last_prepare_, [](uv_prepare_t* handle) {
    auto* self = static_cast<LoopHooks*>(handle->data);
    self->on_last_prepare();
    self->probe_.locate(__builtin_frame_address(0), self->mark_ns_);
  });
  start_first_prepare();
  uv_check_start(&last_check_, [](uv_check_t* handle) {
    static_cast<LoopHooks*>(handle->data)->on_last_check();
  });
  start_first_check();
}

LoopHooks::~LoopHooks() {
  uv_prepare_stop(&first_prepare_);
  uv_prepare_stop(&last_prepare_);
  uv_check_stop(&first_check_);
  uv_check_stop(&last_check_);
}

void LoopHooks::start_first_prepare() {
  uv_prepare_stop(&first_prepare_);
  uv_prepare_start(&first_prepare_, [](uv_prepare_t* handle) {
    static_cast<LoopHooks*>(handle->data)->on_first_prepare();
  });
}

void LoopHooks::start_first_check() {
  uv_check_stop(&first_check_);
  uv_check_start(&first_check_, [](uv_check_t* handle) {
    static_cast<LoopHooks*>(handle->data)->on_first_check();
  });
}

void LoopHooks::enter(LoopPosition position, std::uint64_t at_ns) {
  position_ = position;
  mark_ns_ = at_ns;
  turns_.position.set(position);
  turns_.mark_ns.set(at_ns);
}

/// When the poll wait that is over at `now_ns` returned.
std::uint64_t LoopHooks::poll_return(std::uint64_t now_ns) {
  if (now_ns - mark_ns_ < kShortestWaitNs) return mark_ns_;
  const std::uint64_t idle_ns = uv_metrics_idle_time(loop_);
  const std::uint64_t waited_ns = std::min(idle_ns - idle_seen_ns_, now_ns - mark_ns_);
  idle_seen_ns_ = idle_ns;
  const std::uint64_t returned_ns = mark_ns_ + waited_ns;
  if (now_ns - returned_ns < 2 * kMilliNs) return returned_ns;

  // A wait that a signal interrupts and libuv resumes is missing from uv_metrics_idle_time().
  // uv_now() was set when the last wait returned, so it would tell, had not the program
  // called uv_update_time() in a callback since. Then the thread ran or wanted to; in a
  // wait it did not. (A callback that slept and then called it is taken for a wait.)
  const std::uint64_t loop_time_ns = std::min(loop_->time * kMilliNs, now_ns);
  if (loop_time_ns < returned_ns + 2 * kMilliNs) return returned_ns;
  const std::uint64_t doubtful_ns = loop_time_ns - returned_ns;
  const ThreadTimes used = times_.since_last_turn();
  return (used.cpu_ns + used.runqueue_ns) * 2 < doubtful_ns ? loop_time_ns : returned_ns;
}

bool LoopHooks::about_to_leave() const {
  return loop_->stop_flag != 0 || (loop_->active_handles == 0 && loop_->active_reqs.count == 0 &&
                                   uv_fields::empty(loop_->pending_queue));
}

void LoopHooks::on_first_check() {
  if (position_ != LoopPosition::kPolling) return;
  const std::uint64_t now_ns = now();
  turn_.begin_ns = poll_return(now_ns);
  turn_.check_ns = now_ns;
  // Nobody else to check: the last hook would follow at once and read the same time.
  if (uv_fields::only_one_left(last_check_.queue)) return leave_checks(now_ns);
  turns_.begin();
  turns_.turn_begin_ns.set(turn_.begin_ns);
  turns_.idle_seen_ns.set(idle_seen_ns_);
  enter(LoopPosition::kChecking, now_ns);
  turns_.end();
}

void LoopHooks::on_last_check() {
  if (position_ == LoopPosition::kChecking) leave_checks(now());
}

void LoopHooks::leave_checks(std::uint64_t now_ns) {
  if (uv_fields::next(loop_->prepare_handles) != &first_prepare_.queue) start_first_prepare();
  turn_.turning_ns = now_ns;
  turn_.evidence = {loop_->closing_handles != nullptr, !uv_fields::empty(loop_->pending_queue),
                    !uv_fields::empty(loop_->idle_handles), uv_fields::earliest_timer_ms(*loop_)};
  if (about_to_leave()) {
    turn_.preparing_ns = now_ns;
    return finish_turn(now_ns, LoopPosition::kOutside);
  }
  turns_.begin();
  turns_.turn_begin_ns.set(turn_.begin_ns);
  turns_.idle_seen_ns.set(idle_seen_ns_);
  turns_.evidence_bits.set(PublishedTurns::pack(turn_.evidence));
  turns_.evidence_timer_ms.set(turn_.evidence.earliest_timer_ms);
  enter(LoopPosition::kTurning, now_ns);
  turns_.end();
}

void LoopHooks::on_first_prepare() {
  if (position_ != LoopPosition::kTurning) return;
  const std::uint64_t now_ns = now();
  turn_.preparing_ns = now_ns;
  turn_.loop_time_ms = loop_->time;
  if (uv_fields::only_one_left(last_prepare_.queue)) {
    return finish_turn(now_ns, LoopPosition::kPolling);
  }
  turns_.begin();
  enter(LoopPosition::kPreparing, now_ns);
  turns_.end();
}

void LoopHooks::on_last_prepare() {
  if (position_ == LoopPosition::kPolling) return;  // finished by the first hook
  const std::uint64_t now_ns = now();
  if (position_ == LoopPosition::kPreparing) return finish_turn(now_ns, LoopPosition::kPolling);
  // The first turn, or the first after the loop had run out of work.
  idle_seen_ns_ = uv_metrics_idle_time(loop_);
  times_.tick(now_ns, 0);
  turns_.begin();
  turns_.idle_seen_ns.set(idle_seen_ns_);
  enter_poll(now_ns, LoopPosition::kPolling);
  turns_.end();
}

void LoopHooks::enter_poll(std::uint64_t now_ns, LoopPosition position) {
  if (uv_fields::next(loop_->check_handles) != &first_check_.queue) start_first_check();
  turns_.earliest_timer_ms.set(uv_fields::earliest_timer_ms(*loop_));
  turns_.last_turn_end_ns.set(now_ns);
  enter(position, now_ns);
}

void LoopHooks::finish_turn(std::uint64_t now_ns, LoopPosition next) {
  turn_.end_ns = now_ns;
  const std::uint64_t busy_ns = now_ns - turn_.begin_ns;
  const bool is_short = busy_ns < kShortTurnNs;
  if (!is_short) {
    turn_.used = busy_ns < kSchedulerLookNs ? ThreadTimes{} : times_.since_last_turn();
    listener_.on_long_turn(turn_);  // before the turn's end shows in `turns_`
  }
  turns_.begin();
  if (is_short) {
    const double busy_s = static_cast<double>(busy_ns) * 1e-9;
    turns_.short_turns.add(1);
    turns_.short_squared_s2.add(busy_s * busy_s);
    add_short(Phase::kPoll, turn_.check_ns - turn_.begin_ns);
    add_short(Phase::kCheck, turn_.turning_ns - turn_.check_ns);
    add_short(turning_phase(turn_.evidence, turn_.loop_time_ms),
              turn_.preparing_ns - turn_.turning_ns);
    add_short(Phase::kIdlePrepare, now_ns - turn_.preparing_ns);
  }
  turns_.idle_seen_ns.set(idle_seen_ns_);
  enter_poll(now_ns, next);
  turns_.end();
  times_.tick(now_ns, busy_ns);
  if (!is_short || now_ns >= next_flush_ns_) {
    next_flush_ns_ = now_ns + kSecondNs;
    listener_.on_flush();
  }
}

void LoopHooks::add_short(Phase phase, std::uint64_t time_ns) {
  turns_.short_phase_ns[static_cast<std::size_t>(phase)].add(time_ns);
}

}  // namespace loopscope
