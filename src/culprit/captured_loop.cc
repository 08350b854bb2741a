#include "culprit/captured_loop.h"

#include <algorithm>
#include <exception>
#include <utility>

#include "culprit/culprit_place.h"
#include "culprit/sleeping_taker.h"

namespace loopscope {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kSamplesPerCapture = 3;
/// A running thread gives one sample a millisecond.
constexpr Nanos kSamplePatience = 15ms;
/// The sampler looks every millisecond while a loop is stalled; where it gets no CPU, the
/// samples are dropped rather than trusted.
constexpr Nanos kConfirmPatience = 30ms;

/// How exactly a busy period's end is known that no look saw over the threshold.
constexpr Nanos kEndSlack = 1ms;

constexpr Nanos kFirstPreparation = 500ms;
constexpr Nanos kLongestPreparation = 60s;
constexpr int kMaxPreparations = 8;

}  // namespace

CapturedLoop::CapturedLoop(CaptureTarget target, std::shared_ptr<ProcessStacks> stacks,
                           std::unique_ptr<StackTakers> takers, StallLog& log, const Clock& clock,
                           std::function<void()> wake)
    : target_(std::move(target)),
      log_(log),
      clock_(clock),
      wake_(std::move(wake)),
      stacks_(std::move(stacks)),
      takers_(std::move(takers)) {}

void CapturedLoop::stall_looms() {
  {
    const std::lock_guard lock(mutex_);
    ++warnings_;
    looms_ = warning_due_ = true;
    // What came before goes first.
    if (!stalls_.empty()) return;
  }
  wake_();
}

void CapturedLoop::stall_averted() {
  const std::lock_guard lock(mutex_);
  looms_ = warning_due_ = false;
}

void CapturedLoop::stall_started(std::uint64_t id, const StallEvent& stall) {
  std::optional<std::uint64_t> dropped;
  ledger_.on_progress(id, stall.duration);
  {
    const std::lock_guard lock(mutex_);
    // The capture thread is far behind: what has ended long ago is not worth a look.
    if (stalls_.size() >= kMaxStalls) {
      dropped = stalls_[1].id;
      stalls_.erase(stalls_.begin() + 1);
    }
    Stall& now = stalls_.emplace_back();
    now.id = id;
    now.start = stall.start;
    now.confirmed_until = stall.start + stall.duration;
    now.starved = stall.causes[index_of(Cause::kStarved)];
    if (std::exchange(looms_, false)) now.warning = warnings_;
    warning_due_ = false;
    if (stalls_.size() == 1) capture_due_ = Nanos(0);
  }
  if (dropped) log_.stack_done(*dropped);
  wake_();
}

void CapturedLoop::stall_goes_on(std::uint64_t id, const StallEvent& stall) {
  ledger_.on_progress(id, stall.duration);
  const std::lock_guard lock(mutex_);
  if (stalls_.empty() || stalls_.back().id != id) return;
  stalls_.back().confirmed_until = stall.start + stall.duration;
  stalls_.back().starved = stall.causes[index_of(Cause::kStarved)];
  seen_.notify_one();
}

void CapturedLoop::stall_ended(std::uint64_t id, const StallEvent& stall) {
  ledger_.on_end(id, stall.duration);
  {
    const std::lock_guard lock(mutex_);
    if (stalls_.empty() || stalls_.back().id != id) return;
    stalls_.back().end = stall;
    seen_.notify_one();
  }
  wake_();
}

void CapturedLoop::leave() {
  {
    const std::lock_guard lock(mutex_);
    left_ = true;
    if (!stalls_.empty() && !stalls_.back().end) {
      StallEvent& end = stalls_.back().end.emplace();
      end.start = stalls_.back().start;
      end.duration = stalls_.back().confirmed_until - end.start;
    }
    seen_.notify_one();
  }
  wake_();
}

void CapturedLoop::set_ways(const CaptureWays& ways) {
  const std::lock_guard lock(mutex_);
  new_ways_ = ways;
}

bool CapturedLoop::is_finished() const {
  const std::lock_guard lock(mutex_);
  return left_ && stalls_.empty();
}

Nanos CapturedLoop::due() const {
  const std::lock_guard lock(mutex_);
  if (stalls_.empty()) return left_ || warning_due_ ? Nanos(0) : prepare_due_;
  return stalls_.front().end ? Nanos(0) : capture_due_;
}

std::optional<CapturedLoop::Stall> CapturedLoop::front() const {
  const std::lock_guard lock(mutex_);
  if (stalls_.empty()) return std::nullopt;
  return stalls_.front();
}

void CapturedLoop::work() {
  const auto stall = front();
  if (!stall) {
    if (const auto warning = due_warning()) return look_early(*warning);
    return prepare();
  }
  if (!inquiry_) {
    inquiry_.emplace(*stall, target_.process.pid);
    inquiry_->starvation.begin(stall->starved);
    if (Look early = take_early(*stall); !early.times.empty()) {
      add(*stall, std::move(early));
      if (!stall->end) return;
    }
  }
  if (stall->end) return finish(*stall);
  add(*stall, look_now(false));
}

std::optional<std::uint64_t> CapturedLoop::due_warning() const {
  const std::lock_guard lock(mutex_);
  return warning_due_ ? std::optional(warnings_) : std::nullopt;
}

void CapturedLoop::look_early(std::uint64_t warning) {
  early_ = look_now(true);
  early_warning_ = warning;
  const std::lock_guard lock(mutex_);
  if (warnings_ == warning) warning_due_ = false;
}

CapturedLoop::Look CapturedLoop::take_early(const Stall& stall) {
  Look early = std::exchange(early_, {});
  const bool is_its = stall.warning != 0 && std::exchange(early_warning_, 0) == stall.warning;
  return is_its ? std::move(early) : Look();
}

void CapturedLoop::add(const Stall& stall, Look look) {
  Nanos now = clock_.now();
  if (!look.times.empty()) {
    Nanos lasted_until = confirm(stall.id, look.times.back());
    if (stall.end) {
      lasted_until = std::min(lasted_until, stall.start + stall.end->duration - kEndSlack);
    }
    while (!look.times.empty() && look.times.back() > lasted_until) {
      look.times.pop_back();
      look.stacks.pop_back();
    }
  }
  bool named = false;
  if (!look.times.empty()) {
    now = std::max(look.times.back(), stall.start);
    if (const ResolvedStack* who = inquiry_->evidence.add_capture(now, std::move(look.stacks))) {
      named = true;
      ledger_.seen(stall.id, culprit_key_of(*who));
    }
    tell_log(stall, now);
  }
  named ? inquiry_->schedule.captured(now) : inquiry_->schedule.captured_nobody(now);
  const std::lock_guard lock(mutex_);
  capture_due_ = inquiry_->schedule.due();
}

CapturedLoop::Look CapturedLoop::look_now(bool early) {
  Look look;
  for (const StackSample& sample : take_samples(early)) {
    // Before anything else: what the sample points to lives on in the target.
    look.stacks.push_back(stacks_->resolve(sample, v8_thread_));
    look.times.push_back(sample.at);
  }
  return look;
}

std::vector<StackSample> CapturedLoop::take_samples(bool early) {
  std::optional<CaptureWays> ways;
  {
    const std::lock_guard lock(mutex_);
    ways = std::exchange(new_ways_, std::nullopt);
  }
  if (ways) takers_->set_allowed(*ways);
  auto samples = takers_->take(kSamplesPerCapture, kSamplePatience, early);
  if (!samples) return {};
  std::ranges::sort(*samples, {}, &StackSample::at);
  return std::move(*samples);
}

Nanos CapturedLoop::confirm(std::uint64_t id, Nanos at) {
  std::unique_lock lock(mutex_);
  const auto known = [&] {
    return stalls_.empty() || stalls_.front().id != id || stalls_.front().end ||
           stalls_.front().confirmed_until >= at;
  };
  seen_.wait_for(lock, kConfirmPatience, known);
  return stalls_.empty() || stalls_.front().id != id ? Nanos(0) : stalls_.front().confirmed_until;
}

void CapturedLoop::finish(const Stall& stall) {
  const Nanos end = stall.start + stall.end->duration;
  tell_log(stall, end);
  {
    const std::lock_guard lock(mutex_);
    stalls_.pop_front();
    capture_due_ = Nanos(0);
  }
  inquiry_.reset();
  log_.stack_done(stall.id);
}

void CapturedLoop::tell_log(const Stall& stall, Nanos now) {
  const ResolvedStack* culprit = inquiry_->evidence.culprit(now);
  StallStack out;
  if (culprit != nullptr) {
    out.function = culprit->function;
    out.file = culprit->file;
    out.line = culprit->line;
    out.generated_line = culprit->generated_line;
    if (const StackFrame* frame = blamed_frame(*culprit)) out.function_line = frame->function_line;
    out.frames = culprit->frames;
    out.detail = culprit->detail;
  }
  if (stall.end && stall.end->cause == Cause::kStarved) {
    out.detail = inquiry_->starvation.explain(stall.end->causes[index_of(Cause::kStarved)]);
  }
  if (culprit == nullptr && out.detail.empty()) return;
  log_.set_stack(stall.id, std::move(out));
}

void CapturedLoop::give_up() {
  while (const auto stall = front()) {
    if (!inquiry_) inquiry_.emplace(*stall, target_.process.pid);
    Stall ended = *stall;
    if (!ended.end) {
      ended.end.emplace();
      ended.end->duration = ended.confirmed_until - ended.start;
    }
    finish(ended);
  }
}

void CapturedLoop::forget() {
  inquiry_.reset();
  for (;;) {
    std::uint64_t id = 0;
    {
      const std::lock_guard lock(mutex_);
      warning_due_ = false;
      prepare_due_ = Nanos::max();
      if (stalls_.empty()) return;
      id = stalls_.front().id;
      stalls_.pop_front();
    }
    try {
      log_.stack_done(id);
    } catch (const std::exception&) {
      // Whoever was to be told of it was not.
    }
  }
}

/// While nothing is stalled: learns what later captures will want to know.
void CapturedLoop::prepare() {
  bool known = false;
  auto taker = SleepingTaker::open(target_.process.pid, target_.tid);
  if (taker) {
    const auto samples = (*taker)->take(1, Nanos(0));
    if (samples && !samples->empty()) {
      known = stacks_->learn_isolate(samples->front(), v8_thread_);
    }
  }
  ++preparations_;
  const bool again = !known && preparations_ < kMaxPreparations;
  const Nanos wait =
      std::min<Nanos>(kFirstPreparation * (1LL << preparations_), kLongestPreparation);
  const std::lock_guard lock(mutex_);
  prepare_due_ = again ? clock_.now() + wait : Nanos::max();
}

std::optional<V8StateWord> CapturedLoop::state_word() { return stacks_->state_word(v8_thread_); }

}  // namespace loopscope
