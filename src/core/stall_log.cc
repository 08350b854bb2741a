#include "core/stall_log.h"

#include <algorithm>
#include <optional>
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
  LoopListener(StallLog& log, LoopLabels labels) : log_(log), labels_(std::move(labels)) {}
  ~LoopListener() override {
    if (current_ != 0) log_.end(current_, nullptr);
  }
  LoopListener(const LoopListener&) = delete;
  LoopListener& operator=(const LoopListener&) = delete;

  void on_stall_started(const StallEvent& stall) override { current_ = log_.start(labels_, stall); }
  void on_stall_progress(const StallEvent& stall) override { log_.update(current_, stall); }
  void on_stall_ended(const StallEvent& stall) override {
    log_.end(std::exchange(current_, 0), &stall);
  }
  std::uint64_t current_id() const override { return current_; }

 private:
  StallLog& log_;
  const LoopLabels labels_;
  std::uint64_t current_ = 0;  ///< id of the stall in progress; 0: none
};

StallLog::StallLog(const Clock& clock, std::size_t capacity, Observer observer)
    : clock_(clock),
      capacity_(std::max<std::size_t>(capacity, 1)),
      observer_(std::move(observer)) {}

std::unique_ptr<StallLogListener> StallLog::listener(LoopLabels labels) {
  return std::make_unique<LoopListener>(*this, std::move(labels));
}

std::vector<StallRecord> StallLog::newest(std::size_t limit) const {
  std::vector<StallRecord> records;
  const std::lock_guard lock(mutex_);
  const std::size_t count = std::min(limit, entries_.size());
  records.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    records.push_back(entries_[entries_.size() - 1 - i].record);
  }
  return records;
}

std::uint64_t StallLog::start(const LoopLabels& labels, const StallEvent& stall) {
  StallRecord record;
  record.process = labels.process;
  record.pid = labels.pid;
  record.loop = labels.loop;
  record.labels = labels.extra;
  record.started_at =
      clock_.wall_now() -
      std::chrono::duration_cast<std::chrono::system_clock::duration>(clock_.now() - stall.start);
  record.in_progress = true;
  apply(stall, record);
  std::optional<StallRecord> held_back;
  {
    const std::lock_guard lock(mutex_);
    record.id = next_id_++;
    entries_.push_back({.record = record});
    if (entries_.size() > capacity_) {
      // The last chance to tell of it.
      if (entries_.front().holds_end()) held_back = std::move(entries_.front().record);
      entries_.pop_front();
    }
  }
  if (held_back) tell(*held_back);
  tell(record);
  return record.id;
}

void StallLog::update(std::uint64_t id, const StallEvent& stall) {
  const std::lock_guard lock(mutex_);
  if (Entry* entry = find(id)) apply(stall, entry->record);
}

void StallLog::end(std::uint64_t id, const StallEvent* stall) {
  std::optional<StallRecord> ended;
  {
    const std::lock_guard lock(mutex_);
    Entry* entry = find(id);
    if (entry == nullptr) return;
    if (stall != nullptr) apply(*stall, entry->record);
    entry->record.in_progress = false;
    if (!entry->awaits_stack) ended = entry->record;
  }
  if (ended) tell(*ended);
}

void StallLog::await_stack(std::uint64_t id) {
  const std::lock_guard lock(mutex_);
  Entry* entry = find(id);
  if (entry != nullptr && entry->record.in_progress) entry->awaits_stack = true;
}

void StallLog::stack_done(std::uint64_t id) {
  std::optional<StallRecord> ended;
  {
    const std::lock_guard lock(mutex_);
    Entry* entry = find(id);
    if (entry == nullptr) return;
    if (entry->holds_end()) ended = entry->record;
    entry->awaits_stack = false;
  }
  if (ended) tell(*ended);
}

void StallLog::set_stack(std::uint64_t id, StallStack stack) {
  const std::lock_guard lock(mutex_);
  Entry* entry = find(id);
  if (entry == nullptr) return;
  StallRecord& record = entry->record;
  record.function = std::move(stack.function);
  record.file = std::move(stack.file);
  record.line = stack.line;
  record.stack = std::move(stack.frames);
  record.detail = std::move(stack.detail);
}

StallLog::Entry* StallLog::find(std::uint64_t id) {
  if (entries_.empty() || id < entries_.front().record.id || id > entries_.back().record.id) {
    return nullptr;
  }
  return &entries_[static_cast<std::size_t>(id - entries_.front().record.id)];
}

void StallLog::tell(const StallRecord& record) const {
  if (observer_) observer_(record);
}

}  // namespace loopscope
