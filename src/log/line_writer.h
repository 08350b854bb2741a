#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "base/clock.h"

namespace loopscope {

/// Writes lines to a descriptor from a thread of its own: whoever has something to say never
/// waits for whoever reads it. A reader that stopped reading (a full pipe, a terminal held by
/// Ctrl-S) costs the lines that come once kMaxQueuedBytes are waiting; when it reads again, it
/// is told how many those were. A reader that has gone costs all of them.
///
/// The descriptor may be blocking or not (a child with the same standard error may change that
/// under our feet). Thread-safe.
class LineWriter {
 public:
  static constexpr std::size_t kMaxQueuedBytes = std::size_t{256} << 10;
  /// Makes the line that tells of `count` lines left out; called in the writer's thread, which
  /// may outlive the writer.
  using LeftOutLine = std::function<std::string(std::uint64_t count)>;

  /// `fd` stays the caller's, and must stay open as long as the program runs.
  LineWriter(int fd, LeftOutLine left_out_line);
  /// Gives what is queued `kLastPatience`, then leaves the thread to the end of the process.
  ~LineWriter();
  LineWriter(const LineWriter&) = delete;
  LineWriter& operator=(const LineWriter&) = delete;

  static constexpr Nanos kLastPatience = std::chrono::seconds(1);

  /// `line` ends with its line end. Does not wait.
  void write(std::string line);
  /// Waits until all that was queued before is written; false: not within `patience`.
  bool flush(Nanos patience);
  /// Lines left out since the start.
  std::uint64_t left_out() const;

 private:
  struct State;

  const std::shared_ptr<State> state_;  ///< the thread's too: it may outlive this
  std::thread thread_;
};

}  // namespace loopscope
