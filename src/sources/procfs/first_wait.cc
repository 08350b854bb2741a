#include "sources/procfs/first_wait.h"

#include <utility>

#include "sources/procfs/procfs_source.h"

namespace loopscope {

Result<std::unique_ptr<FirstWait>> FirstWait::attach(int pid, int tid, LoopInfo info,
                                                     bool is_known) {
  auto counters = ThreadCounters::open(pid, tid);
  if (!counters) return counters.error();
  const auto call = counters->syscall();
  if (!call) return call.error();
  if (!call->running) return std::unique_ptr<FirstWait>();
  return std::unique_ptr<FirstWait>(new FirstWait(std::move(*counters), std::move(info), is_known));
}

FirstWait::FirstWait(ThreadCounters counters, LoopInfo info, bool is_known)
    : counters_(std::move(counters)), info_(std::move(info)), is_known_(is_known) {}

Result<LoopSample> FirstWait::sample(Nanos now) {
  if (source_) return source_->sample(now);
  const auto call = counters_.syscall();
  if (!call) return call.error();
  if (call->in_epoll_wait()) {
    auto source = ProcfsSource::attach(counters_.pid(), counters_.tid(), info_, is_known_);
    if (!source) return source.error();
    // Null: it has run on between the two looks.
    source_ = std::move(*source);
    if (source_) return source_->sample(now);
  }
  if (begin_ == Nanos{0}) begin_ = now;
  if (now - begin_ > kPatience) return Error{doubt()};
  LoopSample sample;
  sample.at = now;
  // Only for the rate of looks: a thread that sleeps is looked at less often.
  sample.phase = call->running ? Phase::kUnknown : Phase::kPollWait;
  sample.withheld = true;
  return sample;
}

const LoopInfo& FirstWait::info() const { return source_ ? source_->info() : info_; }

LoopSource::Standing FirstWait::standing() const {
  return source_ ? source_->standing() : Standing::kUnproven;
}

std::string FirstWait::doubt() const {
  return source_ ? source_->doubt() : std::string(kNotJudgedYet);
}

std::string FirstWait::limitation() const { return source_ ? source_->limitation() : ""; }

}  // namespace loopscope
