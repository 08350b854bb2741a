#include "culprit/stack_capturer.h"

#include <algorithm>
#include <utility>

#include "base/guarded.h"

namespace loopscope {
namespace {

/// After a failure to see what is due.
constexpr Nanos kAfterFailure = std::chrono::milliseconds(100);

}  // namespace

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

  void on_stall_looms() override {
    if (capturer_.is_enabled()) loop_->stall_looms();
  }
  void on_stall_averted() override { loop_->stall_averted(); }
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

bool StackCapturer::start() {
  const std::lock_guard lock(mutex_);
  if (started_) return true;
  if (!add_thread()) {
    // Without a thread a stall that waits for its stack would wait for ever.
    stopping_ = true;
    return false;
  }
  started_ = true;
  stopping_ = false;
  while (threads_.size() < std::min(loops_.size(), kMaxThreads) && add_thread()) {
  }
  return true;
}

/// Where no thread is to be had, those that there are do its work. The lock is held.
bool StackCapturer::add_thread() {
  auto thread = start_thread("stacks", [this] { run(); });
  if (thread) threads_.push_back(std::move(*thread));
  return thread.ok();
}

void StackCapturer::stop() {
  std::vector<std::thread> threads;
  std::vector<Entry> loops;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
    not_watched_.notify_all();
    threads.swap(threads_);
  }
  for (std::thread& thread : threads) thread.join();
  {
    const std::lock_guard lock(mutex_);
    if (!std::exchange(started_, false)) return;
    loops = loops_;
  }
  for (const Entry& entry : loops) {
    run_guarded("stacks", [&entry] { entry.loop->give_up(); });
  }
}

void StackCapturer::set_options(Options options) {
  const std::lock_guard lock(mutex_);
  options_ = options;
  for (const Entry& entry : loops_) entry.loop->set_ways(options.ways);
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
  auto log =
      target.current_labels ? log_.listener(target.current_labels) : log_.listener(target.labels);
  const std::lock_guard lock(mutex_);
  auto takers = std::make_unique<StackTakers>(target.process, target.tid, options_.ways, counters_);
  auto loop = std::make_shared<CapturedLoop>(target, stacks_of(target), std::move(takers), log_,
                                             clock_, std::move(wake));
  loops_.push_back({.loop = loop});
  if (started_ && !stopping_ && threads_.size() < std::min(loops_.size(), kMaxThreads)) {
    add_thread();
  }
  woken_ = true;
  changed_.notify_one();
  return std::make_unique<LoopListener>(*this, std::move(log), std::move(loop));
}

/// One for all loops of a program: what is known of one is not true of what replaced it. The lock
/// is held.
std::shared_ptr<ProcessStacks> StackCapturer::stacks_of(const CaptureTarget& target) {
  std::erase_if(processes_, [](const auto& entry) { return entry.second.expired(); });
  std::erase_if(problems_, [&](const auto& entry) { return !processes_.contains(entry.first); });
  std::weak_ptr<ProcessStacks>& known = processes_[{target.process, target.program}];
  auto stacks = known.lock();
  if (!stacks) {
    stacks = std::make_shared<ProcessStacks>(target.process, target.runtime_version, clock_);
    known = stacks;
  }
  return stacks;
}

/// One thread watches for what is due next, the others work or wait to be the one that
/// watches: the one that watched takes the work.
void StackCapturer::run() {
  while (!run_guarded("stacks", [this] { take_turns(); })) {
    std::this_thread::sleep_for(kAfterFailure);
  }
}

void StackCapturer::take_turns() {
  std::unique_lock lock(mutex_);
  for (;;) {
    const auto loop = wait_for_work(lock);
    if (!loop) return;
    lock.unlock();
    work_on(*loop);
    lock.lock();
    put_back(loop);
  }
}

/// nullptr: stopping.
std::shared_ptr<CapturedLoop> StackCapturer::wait_for_work(std::unique_lock<std::mutex>& lock) {
  not_watched_.wait(lock, [this] { return stopping_ || !is_watched_; });
  if (stopping_) return nullptr;
  is_watched_ = true;
  std::shared_ptr<CapturedLoop> loop;
  while (!stopping_) {
    woken_ = false;
    Nanos next = Nanos::max();
    loop = take_due(next);
    if (loop) break;
    const auto anything = [this] { return stopping_ || woken_; };
    if (next == Nanos::max()) {
      changed_.wait(lock, anything);
    } else {
      changed_.wait_for(lock, next - clock_.now(), anything);
    }
  }
  is_watched_ = false;
  not_watched_.notify_one();
  return loop;
}

/// The one that has been due for longest; nullptr: none is until `next`. The lock is held.
std::shared_ptr<CapturedLoop> StackCapturer::take_due(Nanos& next) {
  std::erase_if(loops_,
                [](const Entry& entry) { return !entry.is_taken && entry.loop->is_finished(); });
  Entry* first = nullptr;
  for (Entry& entry : loops_) {
    if (entry.is_taken) continue;
    const Nanos due = entry.loop->due();
    if (due >= next) continue;
    next = due;
    first = &entry;
  }
  if (first == nullptr || next > clock_.now()) return nullptr;
  first->is_taken = true;
  return first->loop;
}

/// The lock is held.
void StackCapturer::put_back(const std::shared_ptr<CapturedLoop>& loop) {
  for (Entry& entry : loops_) {
    if (entry.loop == loop) entry.is_taken = false;
  }
  woken_ = true;
  changed_.notify_one();
}

void StackCapturer::work_on(CapturedLoop& loop) {
  if (loop.is_finished()) return;
  const bool well = run_guarded("stacks", [&] {
    loop.work();
    remember_problem(loop);
    if (!gc_words_) return;
    if (const auto word = loop.state_word()) {
      gc_words_(loop.target().process, loop.target().tid, *word);
    }
  });
  // Nobody is to wait for a stack that does not come.
  if (!well) run_guarded("stacks", [&loop] { loop.forget(); });
}

void StackCapturer::remember_problem(const CapturedLoop& loop) {
  std::string problem = loop.stacks_problem();
  const std::lock_guard lock(mutex_);
  const Program program{loop.target().process, loop.target().program};
  if (problem.empty()) {
    problems_.erase(program);
  } else {
    problems_[program] = std::move(problem);
  }
}

std::map<ProcessId, std::string> StackCapturer::problems() const {
  const std::lock_guard lock(mutex_);
  std::map<ProcessId, std::string> problems;
  // A process whose loops are all gone has none any more.
  for (const auto& [program, problem] : problems_) {
    const auto known = processes_.find(program);
    if (known == processes_.end() || known->second.expired()) continue;
    problems.emplace(program.first, problem);
  }
  return problems;
}

StackCaptureSnapshot StackCapturer::snapshot() const { return counters_.snapshot(); }

}  // namespace loopscope
