#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <thread>

#include "base/clock.h"
#include "base/rate_limiter.h"
#include "config/config.h"
#include "export/stall_file.h"
#include "loopscope/stall_record.h"

namespace loopscope {

/// Tells of ended stalls: one line each in the log, rate-limited per function (per loop,
/// where no function is known) with a count of what was left out, and every one in the
/// stall file, if there is one. Works in a thread of its own, so that a slow terminal or
/// disk holds up nobody; report() may be called from any thread. A flood of more than
/// kMaxQueued is cut, and the number told.
class StallReporter {
 public:
  static constexpr std::size_t kMaxQueued = 1000;
  // One function: so many lines at once, then one more per interval.
  static constexpr std::uint64_t kBurst = 5;
  static constexpr Nanos kInterval = std::chrono::seconds(10);
  /// So many are told apart at a time; beyond that, all others share one limit.
  static constexpr std::size_t kMaxFunctions = 256;

  /// What a line says, and the same as fields for a log of JSON lines.
  using Line = std::function<void(const std::string& text, const nlohmann::ordered_json& fields)>;
  /// Of something that is wrong with the file, and of its end.
  using Warn = std::function<void(const std::string& text)>;

  /// Both are called in the reporter's thread. `clock` must outlive this. If the system has no
  /// thread left, nothing is told, see works().
  StallReporter(const Clock& clock, Line line, Warn warn);
  /// Tells what is still queued.
  ~StallReporter();
  StallReporter(const StallReporter&) = delete;
  StallReporter& operator=(const StallReporter&) = delete;

  bool works() const { return thread_.joinable(); }
  /// Stalls in progress are ignored.
  void report(const StallRecord& stall);
  /// Opens the file (anew): for stalls reported from now on.
  void set_file(const StallLogConfig& config);

 private:
  struct Limit {
    RateLimiter limiter{kInterval, kBurst};
    Nanos last_used{0};
  };
  struct Task {
    std::optional<StallRecord> stall;
    std::optional<StallLogConfig> file;
    Nanos at{0};
  };

  void enqueue(Task task);
  // The reporter's thread.
  void run();
  void carry_out(const Task& task);
  void tell(const StallRecord& stall, Nanos at);
  Limit& limit_of(const StallRecord& stall, Nanos at);

  const Clock& clock_;
  const Line line_;
  const Warn warn_;

  // The reporter's thread alone.
  std::map<std::string, Limit> limits_;
  Limit others_;
  std::unique_ptr<StallFile> file_;

  std::mutex mutex_;  ///< guards what follows
  std::condition_variable wake_;
  std::deque<Task> tasks_;
  std::uint64_t dropped_ = 0;
  bool stopping_ = false;

  std::thread thread_;
};

}  // namespace loopscope
