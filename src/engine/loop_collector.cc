#include "engine/loop_collector.h"

#include <utility>

#include "engine/source_health.h"
#include "engine/target_naming.h"

namespace loopscope {

LoopCollector::LoopCollector(StackCapturer& capturer, const Clock& clock)
    : capturer_(capturer), clock_(clock), sampler_(clock) {}

LoopCollector::~LoopCollector() { stop(); }

void LoopCollector::admit(const std::shared_ptr<const Target>& target, const LoopOptions& options) {
  {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(target->id());
    if (found != entries_.end() && found->second.target == target) return;
  }
  Entry made{target, make_loops(*target, options)};
  Entry replaced;  // destroyed outside the lock
  const std::lock_guard lock(mutex_);
  Entry& entry = entries_[target->id()];
  if (entry.loops) entry.loops->end();
  replaced = std::exchange(entry, std::move(made));
}

void LoopCollector::refresh(const ProcessId& id, const LoopOptions& options) {
  Entry entry;
  {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(id);
    if (found == entries_.end()) return;
    entry = found->second;
  }
  entry.loops->set_options(options);
  entry.loops->refresh(entry.target->facts().process.runtime);
}

void LoopCollector::drop(const TargetRegistry::Targets& targets) {
  std::vector<Entry> dropped;  // destroyed outside the lock
  {
    const std::lock_guard lock(mutex_);
    for (const auto& target : targets) {
      const auto found = entries_.find(target->id());
      if (found == entries_.end()) continue;
      dropped.push_back(std::move(found->second));
      entries_.erase(found);
    }
  }
  for (const Entry& entry : dropped) entry.loops->end();
}

std::shared_ptr<ProcessLoops> LoopCollector::make_loops(const Target& target,
                                                        const LoopOptions& options) {
  const std::shared_ptr<const LiveLabels> labels = target.labels();
  const FoundProcess process = target.facts().process;
  auto listeners = [this, labels, process](const std::string& loop, int tid) {
    auto current = [labels, loop] {
      LoopLabels now = labels->get();
      now.loop = loop;
      return now;
    };
    return capturer_.listener({.labels = current(),
                               .current_labels = current,
                               .process = process.id,
                               .tid = tid,
                               .runtime_version = process.runtime.version,
                               .program = process.exec_mark});
  };
  const auto place_of = [labels](const std::string& loop) {
    const LoopLabels now = labels->get();
    return LoopHistory::Place{now.process, container_of(now), now.slot, loop};
  };
  LoopSuccession succession{
      .leave =
          [this, place_of](const std::string& loop, LoopStatsSnapshot totals) {
            history_.leave(place_of(loop), std::move(totals), clock_.now());
          },
      .take = [this, place_of](
                  const std::string& loop) { return history_.take(place_of(loop), clock_.now()); }};
  return std::make_shared<ProcessLoops>(process.id, options, sampler_, images_, clock_,
                                        std::move(listeners), std::move(succession));
}

std::shared_ptr<ProcessLoops> LoopCollector::loops_of(const ProcessId& id) const {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(id);
  return found == entries_.end() ? nullptr : found->second.loops;
}

std::vector<LoopCollector::Entry> LoopCollector::entries() const {
  const std::lock_guard lock(mutex_);
  std::vector<Entry> entries;
  entries.reserve(entries_.size());
  for (const auto& [id, entry] : entries_) entries.push_back(entry);
  return entries;
}

std::vector<SourceProblem> LoopCollector::problems(const ProcessId& id) const {
  const auto loops = loops_of(id);
  return loops ? loops->problems() : std::vector<SourceProblem>();
}

std::string LoopCollector::why_none(const ProcessId& id) const {
  const auto loops = loops_of(id);
  return loops ? loops->why_none() : "";
}

void LoopCollector::append_loops(Snapshot& out) const {
  const Nanos now = clock_.now();
  for (const Entry& entry : entries()) {
    const LoopLabels labels = entry.target->labels()->get();
    for (LoopSnapshot& loop : entry.loops->snapshot(now)) {
      std::string name = std::move(loop.labels.loop);
      loop.labels = labels;
      loop.labels.loop = std::move(name);
      out.loops.push_back(std::move(loop));
    }
  }
  out.sampler_late = sampler_.late();
}

void LoopCollector::append_sources(Snapshot& out, const SourceSwitches& switches) const {
  const std::vector<Entry> all = entries();
  const auto append = [&](const char* name) {
    SourceSnapshot& source = out.sources.emplace_back();
    source.source = name;
    source.duration = sampler_.pass_duration();
    for (const Entry& entry : all) {
      for (const SourceProblem& problem : entry.loops->problems()) {
        if (problem.source == name) add_problem(source, entry.target->id().pid, problem);
      }
    }
  };
  if (switches.uv_stack) append("uv_stack");
  if (switches.procfs) append("procfs");
}

void LoopCollector::watch_gc(const ProcessId& process, int tid, const V8StateWord& word) const {
  const auto loops = loops_of(process);
  if (!loops) return;
  const auto loop = loops->loop_of(tid);
  if (!loop) return;
  GcWord watched{.address = word.address, .value = word.gc_value, .times = {}};
  if (const auto& kept = word.collections) {
    watched.times = GcTimes{.current = kept->current,
                            .previous = kept->previous,
                            .count = kept->count,
                            .in_milliseconds = kept->in_milliseconds};
  }
  loop->watch_gc(watched);
}

}  // namespace loopscope
