#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "core/snapshot.h"
#include "core/stall_listener.h"
#include "core/stall_stack.h"

namespace loopscope {

/// What one loop's tracker reports to, see StallLog::listener().
class StallLogListener : public StallListener {
 public:
  /// Of the record of the stall in progress: set once on_stall_started() has returned, and
  /// until on_stall_ended() is called; 0 otherwise. For the thread that feeds the tracker.
  virtual std::uint64_t current_id() const = 0;
};

/// The last stalls of all loops, also of loops that have ended. Thread-safe.
///
/// A stack capture may finish a little after its stall has ended. Whoever captures says so
/// by await_stack() and, once nothing more comes, stack_done(): the observer hears of the
/// end only then, so that what it writes down has the culprit. The record itself is marked
/// as ended at once. Stalls nobody awaits a stack for are not held up.
class StallLog {
 public:
  /// Told of every stall when it starts (in_progress) and when it ends, outside the lock,
  /// from the thread that fed it or the one that called stack_done(); perhaps from several
  /// at once.
  using Observer = std::function<void(const StallRecord&)>;

  /// Keeps the newest `capacity` records. `clock` turns monotonic into wall time and must
  /// outlive this.
  explicit StallLog(const Clock& clock, std::size_t capacity = 1000, Observer observer = nullptr);
  StallLog(const StallLog&) = delete;
  StallLog& operator=(const StallLog&) = delete;

  /// Destroy it when the loop ends (a stall then in progress is marked as ended); it must
  /// not outlive this log.
  std::unique_ptr<StallLogListener> listener(LoopLabels labels);
  /// The same with labels as they are when a stall starts.
  std::unique_ptr<StallLogListener> listener(std::function<LoopLabels()> labels);

  // The following do nothing for a record that has been pushed out.
  /// Holds back the news that this stall ended until stack_done(), which has to be called
  /// for it. Call it before the stall ends.
  void await_stack(std::uint64_t id);
  /// Nothing more is coming for this stall, whether it still lasts or not.
  void stack_done(std::uint64_t id);
  /// Replaces what is known of the stack; as often as wanted, also after the end.
  void set_stack(std::uint64_t id, StallStack stack);

  /// Newest first, at most `limit`. Readers share the records, and copying them here would hold
  /// up whoever samples the loops; what a reader has got never changes.
  std::vector<std::shared_ptr<const StallRecord>> shared(std::size_t limit) const;
  /// Copies of these.
  std::vector<StallRecord> newest(std::size_t limit) const;

 private:
  class LoopListener;

  using SharedRecord = std::shared_ptr<const StallRecord>;

  struct Entry {
    std::shared_ptr<StallRecord> record;
    bool awaits_stack = false;
    mutable bool shared = false;  ///< somebody may be reading the record outside the lock

    /// It has ended and the observer has not heard of it.
    bool holds_end() const { return awaits_stack && !record->in_progress; }
    SharedRecord share() const {
      shared = true;
      return record;
    }
    /// A new record in place of one that somebody may be reading.
    StallRecord& change();
  };

  std::uint64_t start(const LoopLabels& labels, const StallEvent& stall);
  void update(std::uint64_t id, const StallEvent& stall);
  void end(std::uint64_t id, const StallEvent* stall);
  Entry* find(std::uint64_t id);
  void tell(const StallRecord& record) const;

  const Clock& clock_;
  const std::size_t capacity_;
  const Observer observer_;
  mutable std::mutex mutex_;
  std::deque<Entry> entries_;  ///< oldest first; ids are consecutive
  std::uint64_t next_id_ = 1;
};

}  // namespace loopscope
