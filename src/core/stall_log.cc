#include "core/stall_log.h"

#include <algorithm>
#include <utility>

namespace loopscope {
namespace {

void apply(const StallEvent& stall, StallRecord& record) {
  record.duration = stall.duration;
  record.phase = stall.phase;
  record.cause = stall.cause;
  record.causes = stall.causes;
}

}  // namespace

class StallLog::LoopListener final : public StallLogListener {
 public:
  LoopListener(StallLog& log, std::function<LoopLabels()> labels)
      : log_(log), labels_(std::move(labels)) {}
  ~LoopListener() override {
    if (current_ != 0) log_.end(current_, nullptr);
  }
  LoopListener(const LoopListener&) = delete;
  LoopListener& operator=(const LoopListener&) = delete;

  void on_stall_started(const StallEvent& stall) override {
    current_ = log_.start(labels_(), stall);
  }
  void on_stall_progress(const StallEvent& stall) override { log_.update(current_, stall); }
  void on_stall_ended(const StallEvent& stall) override {
    log_.end(std::exchange(current_, 0), &stall);
  }
  std::uint64_t current_id() const override { return current_; }

 private:
  StallLog& log_;
  const std::function<LoopLabels()> labels_;
  std::uint64_t current_ = 0;  ///< id of the stall in progress; 0: none
};

StallLog::StallLog(const Clock& clock, std::size_t capacity, Observer observer)
    : clock_(clock),
      capacity_(std::max<std::size_t>(capacity, 1)),
      observer_(std::move(observer)) {}

std::unique_ptr<StallLogListener> StallLog::listener(LoopLabels labels) {
  return listener([labels = std::move(labels)] { return labels; });
}

std::unique_ptr<StallLogListener> StallLog::listener(std::function<LoopLabels()> labels) {
  return std::make_unique<LoopListener>(*this, std::move(labels));
}

StallRecord& StallLog::Entry::change() {
  if (std::exchange(shared, false)) record = std::make_shared<StallRecord>(*record);
  return *record;
}

std::vector<StallLog::SharedRecord> StallLog::shared(std::size_t limit) const {
  std::vector<SharedRecord> records;
  records.reserve(std::min(limit, capacity_));
  const std::lock_guard lock(mutex_);
  const std::size_t count = std::min(limit, entries_.size());
  for (std::size_t i = 0; i < count; ++i) {
    records.push_back(entries_[entries_.size() - 1 - i].share());
  }
  return records;
}

std::vector<StallRecord> StallLog::newest(std::size_t limit) const {
  std::vector<StallRecord> copies;
  for (const SharedRecord& record : shared(limit)) copies.push_back(*record);
  return copies;
}

std::uint64_t StallLog::start(const LoopLabels& labels, const StallEvent& stall) {
  auto made = std::make_shared<StallRecord>();
  StallRecord& record = *made;
  record.process = labels.process;
  record.pid = labels.pid;
  record.slot = labels.slot;
  record.loop = labels.loop;
  record.labels = labels.extra;
  record.started_at =
      clock_.wall_now() -
      std::chrono::duration_cast<std::chrono::system_clock::duration>(clock_.now() - stall.start);
  record.in_progress = true;
  apply(stall, record);
  std::shared_ptr<StallRecord> pushed_out;  // the last chance to tell of it; freed outside the lock
  SharedRecord started = made;
  bool held_back = false;
  {
    const std::lock_guard lock(mutex_);
    record.id = next_id_++;
    entries_.push_back({.record = std::move(made), .shared = true});
    if (entries_.size() > capacity_) {
      held_back = entries_.front().holds_end();
      pushed_out = std::move(entries_.front().record);
      entries_.pop_front();
    }
  }
  if (held_back) tell(*pushed_out);
  tell(*started);
  return started->id;
}

void StallLog::update(std::uint64_t id, const StallEvent& stall) {
  const std::lock_guard lock(mutex_);
  if (Entry* entry = find(id)) apply(stall, entry->change());
}

void StallLog::end(std::uint64_t id, const StallEvent* stall) {
  SharedRecord ended;
  {
    const std::lock_guard lock(mutex_);
    Entry* entry = find(id);
    if (entry == nullptr) return;
    StallRecord& record = entry->change();
    if (stall != nullptr) apply(*stall, record);
    record.in_progress = false;
    if (!entry->awaits_stack) ended = entry->share();
  }
  if (ended) tell(*ended);
}

void StallLog::await_stack(std::uint64_t id) {
  const std::lock_guard lock(mutex_);
  Entry* entry = find(id);
  if (entry != nullptr && entry->record->in_progress) entry->awaits_stack = true;
}

void StallLog::stack_done(std::uint64_t id) {
  SharedRecord ended;
  {
    const std::lock_guard lock(mutex_);
    Entry* entry = find(id);
    if (entry == nullptr) return;
    if (entry->holds_end()) ended = entry->share();
    entry->awaits_stack = false;
  }
  if (ended) tell(*ended);
}

void StallLog::set_stack(std::uint64_t id, StallStack stack) {
  const std::lock_guard lock(mutex_);
  Entry* entry = find(id);
  if (entry == nullptr) return;
  StallRecord& record = entry->change();
  record.function = std::move(stack.function);
  record.file = std::move(stack.file);
  record.line = stack.line;
  record.function_line = stack.function_line;
  record.generated_line = stack.generated_line;
  record.stack = std::move(stack.frames);
  record.detail = std::move(stack.detail);
}

StallLog::Entry* StallLog::find(std::uint64_t id) {
  if (entries_.empty() || id < entries_.front().record->id || id > entries_.back().record->id) {
    return nullptr;
  }
  return &entries_[static_cast<std::size_t>(id - entries_.front().record->id)];
}

void StallLog::tell(const StallRecord& record) const {
  if (observer_) observer_(record);
}

}  // namespace loopscope
