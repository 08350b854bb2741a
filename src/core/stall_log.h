#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "core/snapshot.h"
#include "core/stall_listener.h"

namespace loopscope {

/// The last stalls of all loops, also of loops that have ended. Thread-safe.
class StallLog {
 public:
  /// Told of every stall when it starts (in_progress) and when it ends, outside the lock,
  /// from the thread that fed it.
  using Observer = std::function<void(const StallRecord&)>;

  /// Keeps the newest `capacity` records. `clock` turns monotonic into wall time and must
  /// outlive this.
  explicit StallLog(const Clock& clock, std::size_t capacity = 1000, Observer observer = nullptr);
  StallLog(const StallLog&) = delete;
  StallLog& operator=(const StallLog&) = delete;

  /// What one loop's tracker reports to. Destroy it when the loop ends (a stall then in
  /// progress is marked as ended); it must not outlive this log.
  std::unique_ptr<StallListener> listener(LoopLabels labels);

  /// Newest first, at most `limit`.
  std::vector<StallRecord> newest(std::size_t limit) const;

 private:
  class LoopListener;

  std::uint64_t start(const LoopLabels& labels, const StallEvent& stall);
  // These do nothing for a record that has been pushed out.
  void update(std::uint64_t id, const StallEvent& stall);
  void end(std::uint64_t id, const StallEvent* stall);
  StallRecord* find(std::uint64_t id);

  const Clock& clock_;
  const std::size_t capacity_;
  const Observer observer_;
  mutable std::mutex mutex_;
  std::deque<StallRecord> records_;  ///< oldest first; ids are consecutive
  std::uint64_t next_id_ = 1;
};

}  // namespace loopscope
