#pragma once

#include <uv.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string_view>

namespace loopscope::server {

/// Computations that clients ask for now and fetch later. A bounded number waits, a few run
/// at a time on the thread pool, the newest finished ones are kept. Loop thread only.
class JobQueue {
 public:
  static constexpr std::size_t kMaxWaiting = 100;
  static constexpr std::size_t kMaxRunning = 2;
  static constexpr std::size_t kMaxFinished = 1000;

  enum class State { kQueued, kRunning, kDone };
  struct Job {
    std::uint64_t id = 0;
    std::chrono::milliseconds time{0};
    State state = State::kQueued;
  };

  /// `cancelled` makes running jobs end early; shared with their threads.
  JobQueue(uv_loop_t* loop, std::shared_ptr<const std::atomic<bool>> cancelled)
      : loop_(loop), cancelled_(std::move(cancelled)) {}

  /// Nothing if too many wait already.
  std::optional<std::uint64_t> add(std::chrono::milliseconds time);
  /// Null if unknown or long finished.
  const Job* find(std::uint64_t id) const;
  /// Forgets the waiting ones.
  void drop_waiting();

 private:
  void start_next();
  void on_finished(std::uint64_t id);

  uv_loop_t* loop_;
  std::shared_ptr<const std::atomic<bool>> cancelled_;
  std::map<std::uint64_t, Job> jobs_;
  std::deque<std::uint64_t> waiting_, finished_;
  std::size_t running_ = 0;
  std::uint64_t last_id_ = 0;
};

std::string_view to_string(JobQueue::State state);

}  // namespace loopscope::server
