#include "culprit/stack_capturer.h"

#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <utility>

namespace loopscope {

class StackCapturer::LoopListener final : public StallListener {
 public:
  LoopListener(StackCapturer& capturer, std::unique_ptr<StallLogListener> log,
               std::shared_ptr<CapturedLoop> loop)
      : capturer_(capturer), log_(std::move(log)), loop_(std::move(loop)) {}
  ~LoopListener() override {
    log_.reset();
    loop_->leave();
  }
  LoopListener(const LoopListener&) = delete;
  LoopListener& operator=(const LoopListener&) = delete;

  void on_stall_started(const StallEvent& stall) override {
    log_->on_stall_started(stall);
    captured_ = capturer_.is_enabled() ? log_->current_id() : 0;
    if (captured_ == 0) return;
    capturer_.log_.await_stack(captured_);
    loop_->stall_started(captured_, stall);
  }
  void on_stall_progress(const StallEvent& stall) override {
    log_->on_stall_progress(stall);
    if (captured_ != 0) loop_->stall_goes_on(captured_, stall);
  }
  void on_stall_ended(const StallEvent& stall) override {
    log_->on_stall_ended(stall);
    if (captured_ != 0) loop_->stall_ended(std::exchange(captured_, 0), stall);
  }
  std::vector<CulpritTotals> culprits() const override { return loop_->culprits(); }

 private:
  StackCapturer& capturer_;
  std::unique_ptr<StallLogListener> log_;
  const std::shared_ptr<CapturedLoop> loop_;
  std::uint64_t captured_ = 0;  ///< id of the stall in progress; 0: none that is captured
};

StackCapturer::StackCapturer(const Clock& clock, StallLog& log, Options options,
                             GcWordSink gc_words)
    : clock_(clock), log_(log), gc_words_(std::move(gc_words)), options_(options) {}

StackCapturer::~StackCapturer() { stop(); }

void StackCapturer::start() {
  const std::lock_guard lock(mutex_);
  if (thread_.joinable()) return;
  stopping_ = false;
  // The thread inherits the mask: signal handlers of an embedding program must not run in it.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] { run(); });
  pthread_setname_np(thread_.native_handle(), "stacks");
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void StackCapturer::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    changed_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
}

void StackCapturer::set_options(Options options) {
  const std::lock_guard lock(mutex_);
  options_ = options;
  for (const auto& loop : loops_) loop->set_ways(options.ways);
}

bool StackCapturer::is_enabled() const {
  const std::lock_guard lock(mutex_);
  return options_.enabled && !stopping_;
}

std::unique_ptr<StallListener> StackCapturer::listener(const CaptureTarget& target) {
  auto wake = [this] {
    const std::lock_guard lock(mutex_);
    woken_ = true;
    changed_.notify_one();
  };
  auto log = log_.listener(target.labels);
  const std::lock_guard lock(mutex_);
  auto takers =
      std::make_unique<StackTakers>(target.process.pid, target.tid, options_.ways, counters_);
  auto loop = std::make_shared<CapturedLoop>(target, stacks_of(target), std::move(takers), log_,
                                             clock_, std::move(wake));
  loops_.push_back(loop);
  woken_ = true;
  changed_.notify_one();
  return std::make_unique<LoopListener>(*this, std::move(log), std::move(loop));
}

/// One for all loops of a process. The lock is held.
std::shared_ptr<ProcessStacks> StackCapturer::stacks_of(const CaptureTarget& target) {
  std::erase_if(processes_, [](const auto& entry) { return entry.second.expired(); });
  std::weak_ptr<ProcessStacks>& known = processes_[target.process];
  auto stacks = known.lock();
  if (!stacks) {
    stacks = std::make_shared<ProcessStacks>(target.process, target.runtime_version, clock_);
    known = stacks;
  }
  return stacks;
}

void StackCapturer::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    woken_ = false;
    const auto loops = loops_;
    lock.unlock();
    const Nanos now = clock_.now();
    Nanos next = Nanos::max();
    for (const auto& loop : loops) {
      if (loop->due() <= now) work_on(*loop);
      next = std::min(next, loop->due());
    }
    lock.lock();
    std::erase_if(loops_, [](const auto& loop) { return loop->is_finished(); });
    if (stopping_ || woken_ || next <= clock_.now()) continue;
    const auto anything = [this] { return stopping_ || woken_; };
    if (next == Nanos::max()) {
      changed_.wait(lock, anything);
    } else {
      changed_.wait_for(lock, next - clock_.now(), anything);
    }
  }
  const auto loops = loops_;
  lock.unlock();
  for (const auto& loop : loops) loop->give_up();
}

void StackCapturer::work_on(CapturedLoop& loop) {
  if (loop.is_finished()) return;
  loop.work();
  if (!gc_words_) return;
  if (const auto word = loop.state_word()) {
    gc_words_(loop.target().process, loop.target().tid, *word);
  }
}

StackCaptureSnapshot StackCapturer::snapshot() const { return counters_.snapshot(); }

}  // namespace loopscope
