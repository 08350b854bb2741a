#pragma once

#include <signal.h>

#include <optional>

#include "apps/loopscope/started_program.h"
#include "apps/loopscope/top/top_display.h"
#include "apps/loopscope/top/top_options.h"
#include "apps/loopscope/top/top_rows.h"
#include "base/clock.h"
#include "core/snapshot.h"

namespace loopscope {

/// The course of `loopscope top`: a table per interval, keys and signals as they come.
class TopSession {
 public:
  /// All must outlive this.
  TopSession(SnapshotProvider& provider, const Clock& clock, TopDisplay& display,
             const TopOptions& options);

  /// Returns the exit code. `signals` are blocked in every thread; `child`, if there is
  /// one, ends the session by ending.
  int run(const sigset_t& signals, std::optional<StartedProgram>& child);

 private:
  /// Answers all that are pending; a code: the session is over.
  std::optional<int> take_signals(int signal_fd, std::optional<StartedProgram>& child);
  /// One table; false: it was the last.
  bool take_interval();

  SnapshotProvider& provider_;
  const Clock& clock_;
  TopDisplay& display_;
  const TopOptions& options_;
  TopRows rows_;
  long shown_ = 0;
};

}  // namespace loopscope
