#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/clock.h"
#include "config/config.h"
#include "core/snapshot.h"
#include "culprit/stack_capturer.h"
#include "engine/loop_history.h"
#include "engine/target.h"
#include "engine/target_registry.h"
#include "sources/process_loops.h"
#include "sources/sampler.h"
#include "sources/uv_stack/uv_image_cache.h"

namespace loopscope {

/// Measures the event loops of the targets. refresh() and keep_only() are for the discovery
/// thread, the rest is for any.
class LoopCollector {
 public:
  /// Both must outlive this.
  LoopCollector(StackCapturer& capturer, const Clock& clock);
  ~LoopCollector();
  LoopCollector(const LoopCollector&) = delete;
  LoopCollector& operator=(const LoopCollector&) = delete;

  /// False: the system has no thread left.
  bool start() { return sampler_.start(); }
  void stop() { sampler_.stop(); }

  /// Makes sure that the target is measured; what another program under the same id came to is
  /// kept for whoever takes its labels. Does not look yet.
  void admit(const std::shared_ptr<const Target>& target, const LoopOptions& options);
  /// Looks for loops that came or went. Takes a while; nobody waits for it.
  void refresh(const ProcessId& id, const LoopOptions& options);
  /// What the others came to is kept for whoever takes their labels.
  void drop(const TargetRegistry::Targets& targets);

  std::vector<SourceProblem> problems(const ProcessId& id) const;
  /// Why the threads of this process that seemed to be loops are none; empty: nothing to tell.
  std::string why_none(const ProcessId& id) const;

  /// Appends the loops with their targets' labels of now.
  void append_loops(Snapshot& out) const;
  /// Appends the sources that are switched on.
  void append_sources(Snapshot& out, const SourceSwitches& switches) const;
  /// The collector of garbage of the loop on this thread can be watched from now on.
  void watch_gc(const ProcessId& process, int tid, const V8StateWord& word) const;

 private:
  struct Entry {
    std::shared_ptr<const Target> target;
    std::shared_ptr<ProcessLoops> loops;
  };

  std::shared_ptr<ProcessLoops> make_loops(const Target& target, const LoopOptions& options);
  std::shared_ptr<ProcessLoops> loops_of(const ProcessId& id) const;
  std::vector<Entry> entries() const;

  StackCapturer& capturer_;
  const Clock& clock_;
  Sampler sampler_;
  UvImageCache images_;
  LoopHistory history_;  ///< used by the discovery thread alone

  mutable std::mutex mutex_;
  std::map<ProcessId, Entry> entries_;
};

}  // namespace loopscope
