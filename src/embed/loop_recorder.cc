#include "embed/loop_recorder.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <climits>
#include <utility>

#include "embed/turn_phases.h"
#include "loopscope/loop_monitor.h"

namespace loopscope {
namespace {

std::uint64_t to_ns(Nanos time) { return static_cast<std::uint64_t>(time.count()); }

LoopLabels labels_of(const LoopMonitorOptions& options) {
  LoopLabels labels;
  labels.process = options.process.empty() ? program_invocation_short_name : options.process;
  labels.pid = getpid();
  labels.slot = options.slot;
  labels.loop = options.loop;
  return labels;
}

/// Empty: not known.
std::string own_executable() {
  std::array<char, PATH_MAX> path{};
  const ssize_t length = ::readlink("/proc/self/exe", path.data(), path.size());
  return length > 0 ? std::string(path.data(), static_cast<std::size_t>(length)) : "";
}

/// A field the loop thread may be changing. Torn values are impossible, stale ones harmless.
template <typename T>
T peek(const T& field) {
  return std::atomic_ref<T>(const_cast<T&>(field)).load(std::memory_order_relaxed);
}

constexpr std::size_t kMaxSightings = 256;

Nanos look_interval(Nanos stall_threshold) {
  return std::clamp<Nanos>(stall_threshold / 10, std::chrono::milliseconds(1),
                           std::chrono::milliseconds(10));
}

/// More than one phase is possible in this position.
bool is_open(LoopPosition position) {
  return position == LoopPosition::kPolling || position == LoopPosition::kTurning;
}

/// `seen` is possible in `position`. Check and prepare handles that the program starts at
/// the last moment run ahead of the hooks.
bool fits(Phase seen, LoopPosition position) {
  if (position == LoopPosition::kPolling) {
    return seen == Phase::kPoll || seen == Phase::kPending || seen == Phase::kCheck;
  }
  return seen == Phase::kClosing || seen == Phase::kTimers || seen == Phase::kPending ||
         seen == Phase::kIdlePrepare;
}

/// The loop has nothing left to do: uv_run() is returning or has returned.
bool out_of_work(const uv_loop_t& loop) {
  return peek(loop.active_handles) == 0 && peek(loop.active_reqs.count) == 0 &&
         peek(loop.closing_handles) == nullptr;
}

}  // namespace

LoopRecorder::LoopRecorder(uv_loop_t* loop, const LoopMonitorOptions& options,
                           const ListenerFactory& listener_factory)
    : labels_(labels_of(options)),
      info_{"libuv", uv_version_string(), "library", {}},
      executable_(own_executable()),
      stall_log_(clock_, options.stalls_kept),
      stall_listener_(listener_factory ? listener_factory(stall_log_, labels_)
                                       : stall_log_.listener(labels_)),
      loop_(loop),
      tracker_({.stall_threshold = options.stall_threshold, .exact = true}, stall_listener_.get()),
      look_interval_(look_interval(options.stall_threshold)) {
  // Time is accounted for from here on, also of a loop that does not turn.
  const Nanos now = clock_.now();
  tracker_.on_busy(now, Phase::kUnknown);
  tracker_.on_gap(now + Nanos(1));
  TurnListener& listener = *this;
  hooks_.emplace(loop, turns_, probe_, listener);
  StallWatcher::instance().add(*this);
}

LoopRecorder::~LoopRecorder() { detach(); }

void LoopRecorder::detach() {
  if (!hooks_) return;
  StallWatcher::instance().remove(*this);
  const std::lock_guard lock(mutex_);
  hooks_.reset();
  refresh(clock_.now());
  loop_ = nullptr;
  stall_listener_.reset();
}

void LoopRecorder::on_long_turn(const LongTurn& turn) {
  const Report report{turn, totals_of(turns_.mine())};
  if (reports_.push(report)) return;
  const std::lock_guard lock(mutex_);
  drain();
  reports_.push(report);
}

void LoopRecorder::on_flush() {
  const std::unique_lock lock(mutex_, std::try_to_lock);
  if (lock.owns_lock()) drain();
}

LoopRecorder::ShortTotals LoopRecorder::totals_of(const TurnState& state) {
  return {state.short_turns, state.short_phase_ns, state.short_squared_s2};
}

/// Feeds everything that has been reported. True if that included a long turn.
bool LoopRecorder::drain() {
  turns_.read(state_);
  bool any = false;
  Report report;
  while (reports_.pop(report)) {
    feed_short(report.before, report.turn.begin_ns);
    feed(report.turn);
    any = true;
  }
  return any;
}

void LoopRecorder::feed_short(const ShortTotals& totals, std::uint64_t until_ns) {
  if (totals.turns <= fed_.turns) return;
  ShortIterations turns;
  turns.until = Nanos(until_ns);
  turns.count = totals.turns - fed_.turns;
  for (std::size_t i = 0; i < kPhaseCount; ++i) {
    turns.phases[i] = Nanos(totals.phase_ns[i] - fed_.phase_ns[i]);
  }
  turns.squared_s2 = totals.squared_s2 - fed_.squared_s2;
  tracker_.on_short_iterations(turns);
  fed_ = totals;
  shown_busy_ = false;
}

void LoopRecorder::feed(const LongTurn& turn) {
  LoopIteration iteration;
  iteration.begin = Nanos(turn.begin_ns);
  iteration.end = Nanos(turn.end_ns);
  iteration.phases = split_phases(turn, sightings_);
  std::erase_if(sightings_, [&](const auto& seen) { return seen.at_ns < turn.end_ns; });
  if (turn.used.known) {
    const Nanos busy = iteration.end - iteration.begin;
    const Nanos cpu = std::min(Nanos(turn.used.cpu_ns), busy);
    const Nanos starved = std::min(Nanos(turn.used.runqueue_ns), busy - cpu);
    iteration.causes[index_of(Cause::kCpu)] = cpu;
    iteration.causes[index_of(Cause::kStarved)] = starved;
    iteration.causes[index_of(Cause::kBlocked)] = busy - cpu - starved;
  }
  tracker_.on_iteration(iteration);
  shown_busy_ = false;
}

/// Brings the tracker up to date: what has ended, then what is going on.
void LoopRecorder::refresh(Nanos now) {
  // A turn is reported before its end shows in `state_`: what is read before a drain that
  // finds nothing is current.
  for (int attempt = 0; drain() && attempt < 10; ++attempt) {
  }
  feed_short(totals_of(state_), state_.last_turn_end_ns);
  const Activity now_doing = activity(to_ns(now));
  if (now_doing.phase != Phase::kPollWait) {
    tracker_.on_busy(now_doing.since, now_doing.phase);
    shown_busy_ = true;
  } else if (shown_busy_) {
    // It was between libuv's two polls and has gone on to wait.
    tracker_.on_gap(now);
    shown_busy_ = false;
  }
}

/// The phase the loop is in, as close as can be told.
LoopRecorder::Activity LoopRecorder::activity(std::uint64_t now_ns) {
  Activity result = outline(now_ns);
  if (result.phase == Phase::kPollWait || !is_open(state_.position)) return result;
  const Phase seen = probe_.look();
  if (!fits(seen, state_.position)) return result;
  // What was seen belongs to this turn only if the loop has not moved on meanwhile.
  TurnState after;
  if (!turns_.read(after) || after.mark_ns != state_.mark_ns) return result;
  sight({now_ns, seen});
  result.phase = seen;
  return result;
}

/// Of a run of equal sightings, only the first and the last matter.
void LoopRecorder::sight(PhaseSighting seen) {
  const std::uint64_t turn_since_ns =
      state_.position == LoopPosition::kPolling ? state_.mark_ns : state_.turn_begin_ns;
  std::erase_if(sightings_, [&](const auto& old) { return old.at_ns < turn_since_ns; });
  const std::size_t count = sightings_.size();
  const bool repeats = count >= 2 && sightings_[count - 1].phase == seen.phase &&
                       sightings_[count - 2].phase == seen.phase;
  if (repeats) {
    sightings_.back() = seen;
  } else if (count < kMaxSightings) {
    sightings_.push_back(seen);
  }
}

Nanos LoopRecorder::look() {
  const std::lock_guard lock(mutex_);
  const Nanos now = clock_.now();
  refresh(now);
  if (shown_busy_) {
    tracker_.show_progress(now);  // who looks into stalls hears of them while they last
    return look_interval_;
  }
  // Idle loops are looked at seldom, but at least twice per stall.
  const bool turned = state_.last_turn_end_ns != looked_turn_end_ns_;
  looked_turn_end_ns_ = state_.last_turn_end_ns;
  return turned ? 2 * look_interval_ : 4 * look_interval_;
}

/// The same by the edges alone.
LoopRecorder::Activity LoopRecorder::outline(std::uint64_t now_ns) {
  const Nanos turn_begin(state_.turn_begin_ns);
  switch (state_.position) {
    case LoopPosition::kOutside:
      return {};
    case LoopPosition::kPolling:
      if (const auto since_ns = polled_until(now_ns)) return {Nanos(*since_ns), Phase::kPoll};
      return {};
    case LoopPosition::kChecking:
      return {turn_begin, Phase::kCheck};
    case LoopPosition::kTurning:
      if (out_of_work(*loop_)) return {};
      return {turn_begin, turning_phase(state_.evidence, now_ns / kMilliNs)};
    case LoopPosition::kPreparing:
      return {turn_begin, Phase::kIdlePrepare};
  }
  return {};
}

/// When the poll wait returned, if the loop is past it and in I/O callbacks.
std::optional<std::uint64_t> LoopRecorder::polled_until(std::uint64_t now_ns) {
  // While the loop waits, every look sees more idle time than the one before.
  const std::uint64_t idle_ns = uv_metrics_idle_time(loop_);
  if (uv_metrics_idle_time(loop_) != idle_ns) return std::nullopt;
  std::uint64_t since_ns = state_.mark_ns + (idle_ns - std::min(state_.idle_seen_ns, idle_ns));
  // See LoopHooks::poll_return(); as long as the turn lasts, take the shorter claim.
  const std::uint64_t loop_time_ns = peek(loop_->time) * kMilliNs;
  if (loop_time_ns > since_ns + 2 * kMilliNs) since_ns = loop_time_ns;
  // libuv polls twice when it is going to wait; do not take the gap for callbacks.
  if (now_ns < since_ns + kShortTurnNs) return std::nullopt;
  return since_ns;
}

Nanos LoopRecorder::timer_lateness(Nanos now, Phase phase) const {
  if (phase == Phase::kPollWait || phase == Phase::kTimers) return Nanos(0);
  const std::uint64_t now_ms = to_ns(now) / kMilliNs;
  const std::uint64_t due_ms = state_.earliest_timer_ms;
  return now_ms > due_ms ? std::chrono::milliseconds(now_ms - due_ms) : Nanos(0);
}

Snapshot LoopRecorder::snapshot() {
  Snapshot result;
  const std::lock_guard lock(mutex_);
  if (loop_ == nullptr) return result;
  const Nanos now = clock_.now();
  refresh(now);
  LoopSnapshot loop{labels_, info_, tracker_.snapshot(now)};
  if (stall_listener_) loop.stats.culprits = stall_listener_->culprits();
  loop.stats.timer_lateness = timer_lateness(now, loop.stats.current_phase);
  result.loops.push_back(std::move(loop));
  result.processes.push_back({labels_, info_.runtime, info_.runtime_version, executable_});
  result.sources.push_back({"library", true, {}, clock_.now() - now});
  result.targets = 1;
  return result;
}

std::vector<StallRecord> LoopRecorder::stalls(std::size_t limit) {
  snapshot();  // brings a stall in progress up to date
  return stall_log_.newest(limit);
}

Nanos LoopRecorder::blocked() {
  const std::lock_guard lock(mutex_);
  if (loop_ == nullptr) return Nanos(0);
  const Nanos now = clock_.now();
  refresh(now);
  return tracker_.busy_for(now).value_or(Nanos(0));
}

Phase LoopRecorder::phase() {
  const std::lock_guard lock(mutex_);
  if (loop_ == nullptr) return Phase::kPollWait;
  const Nanos now = clock_.now();
  refresh(now);
  return activity(to_ns(now)).phase;
}

}  // namespace loopscope
