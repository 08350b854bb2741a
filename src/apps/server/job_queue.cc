#include "apps/server/job_queue.h"

#include "apps/server/spin.h"
#include "apps/server/work_request.h"

namespace loopscope::server {

std::optional<std::uint64_t> JobQueue::add(std::chrono::milliseconds time) {
  if (running_ >= kMaxRunning && waiting_.size() >= kMaxWaiting) return std::nullopt;
  const std::uint64_t id = ++last_id_;
  jobs_[id] = Job{id, time, State::kQueued};
  waiting_.push_back(id);
  start_next();
  return id;
}

const JobQueue::Job* JobQueue::find(std::uint64_t id) const {
  const auto found = jobs_.find(id);
  return found == jobs_.end() ? nullptr : &found->second;
}

void JobQueue::drop_waiting() {
  for (const std::uint64_t id : waiting_) jobs_.erase(id);
  waiting_.clear();
}

void JobQueue::start_next() {
  if (waiting_.empty() || running_ >= kMaxRunning) return;
  Job& job = jobs_[waiting_.front()];
  waiting_.pop_front();
  job.state = State::kRunning;
  ++running_;
  run_in_pool(
      loop_,
      [time = job.time, cancelled = cancelled_] {
        block_thread(time, BlockMode::kSpin, cancelled.get());
      },
      [this, id = job.id] { on_finished(id); });
}

void JobQueue::on_finished(std::uint64_t id) {
  --running_;
  jobs_[id].state = State::kDone;
  finished_.push_back(id);
  if (finished_.size() > kMaxFinished) {
    jobs_.erase(finished_.front());
    finished_.pop_front();
  }
  start_next();
}

std::string_view to_string(JobQueue::State state) {
  switch (state) {
    case JobQueue::State::kQueued:
      return "queued";
    case JobQueue::State::kRunning:
      return "running";
    case JobQueue::State::kDone:
      break;
  }
  return "done";
}

}  // namespace loopscope::server
