#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "sources/loop_source.h"
#include "target/thread_counters.h"

namespace loopscope {

/// Stands in for the ProcfsSource of a thread that has not been met waiting in epoll: looks at
/// the thread until it waits there, and is its ProcfsSource from then on. A loop that is busy
/// 98 % of its time waits at one look in fifty: the discovery, which looks once a second, would
/// meet that wait after a minute or never.
///
/// Until then it is unproven, and its samples are figures of nothing. After kPatience it gives
/// up with an Error. Needs ptrace access to the target.
class FirstWait final : public LoopSource {
 public:
  static constexpr Nanos kPatience = std::chrono::seconds(30);
  static constexpr std::string_view kNotJudgedYet =
      "not judged yet: it has an epoll descriptor, and no thread has waited in it since "
      "Loopscope looked; a loop that is blocked is seen once it turns";

  /// nullptr: the thread sleeps, so it does not hide a wait behind its work; ask again later.
  /// Error: it cannot be looked at. `is_known`: see ProcfsSource::attach().
  static Result<std::unique_ptr<FirstWait>> attach(int pid, int tid, LoopInfo info, bool is_known);

  Result<LoopSample> sample(Nanos now) override;
  const LoopInfo& info() const override;
  Standing standing() const override;
  std::string doubt() const override;
  std::string limitation() const override;

 private:
  FirstWait(ThreadCounters counters, LoopInfo info, bool is_known);

  ThreadCounters counters_;
  LoopInfo info_;
  const bool is_known_;
  Nanos begin_{0};  ///< 0: not looked at yet
  std::unique_ptr<LoopSource> source_;
};

}  // namespace loopscope
