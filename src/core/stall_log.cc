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

class StallLog::LoopListener final : public StallListener {
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

 private:
  StallLog& log_;
  const LoopLabels labels_;
  std::uint64_t current_ = 0;  ///< id of the stall in progress; 0: none
};

StallLog::StallLog(const Clock& clock, std::size_t capacity, Observer observer)
    : clock_(clock),
      capacity_(std::max<std::size_t>(capacity, 1)),
      observer_(std::move(observer)) {}

std::unique_ptr<StallListener> StallLog::listener(LoopLabels labels) {
  return std::make_unique<LoopListener>(*this, std::move(labels));
}

std::vector<StallRecord> StallLog::newest(std::size_t limit) const {
  const std::lock_guard lock(mutex_);
  const auto count = static_cast<std::ptrdiff_t>(std::min(limit, records_.size()));
  return {records_.rbegin(), records_.rbegin() + count};
}

std::uint64_t StallLog::start(const LoopLabels& labels, const StallEvent& stall) {
  StallRecord record;
  record.process = labels.process;
  record.pid = labels.pid;
  record.loop = labels.loop;
  record.started_at =
      clock_.wall_now() -
      std::chrono::duration_cast<std::chrono::system_clock::duration>(clock_.now() - stall.start);
  record.in_progress = true;
  apply(stall, record);
  {
    const std::lock_guard lock(mutex_);
    record.id = next_id_++;
    records_.push_back(record);
    if (records_.size() > capacity_) records_.pop_front();
  }
  if (observer_) observer_(record);
  return record.id;
}

void StallLog::update(std::uint64_t id, const StallEvent& stall) {
  const std::lock_guard lock(mutex_);
  if (StallRecord* record = find(id)) apply(stall, *record);
}

void StallLog::end(std::uint64_t id, const StallEvent* stall) {
  std::optional<StallRecord> ended;
  {
    const std::lock_guard lock(mutex_);
    StallRecord* record = find(id);
    if (record == nullptr) return;
    if (stall != nullptr) apply(*stall, *record);
    record->in_progress = false;
    if (observer_) ended = *record;
  }
  if (ended) observer_(*ended);
}

StallRecord* StallLog::find(std::uint64_t id) {
  if (records_.empty() || id < records_.front().id || id > records_.back().id) return nullptr;
  return &records_[static_cast<std::size_t>(id - records_.front().id)];
}

}  // namespace loopscope
