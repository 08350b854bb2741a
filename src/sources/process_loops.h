#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "core/snapshot.h"
#include "sources/sampled_loop.h"
#include "sources/sampler.h"
#include "sources/uv_stack/uv_image_cache.h"
#include "sources/uv_stack/uv_process.h"
#include "target/discovery.h"

namespace loopscope {

/// How the loops of one process are looked at.
struct LoopOptions {
  Nanos sample_interval = std::chrono::milliseconds(1);
  Nanos stall_threshold = std::chrono::milliseconds(50);
  bool internal_loops = false;  ///< also V8's DelayedTaskScheduler loop
  bool use_uv_stack = true;
  bool use_procfs = true;
  std::size_t max_loops = 1000;  ///< of this process

  bool operator==(const LoopOptions&) const = default;
};

/// A source that should see (part of) a process and cannot, and why.
struct SourceProblem {
  std::string source;
  std::string reason;
  /// Of the first moments, when a program may not have got to its loop yet.
  bool is_early = false;
  /// Figures may be missing. False: only a doubt, such as one about an idle program.
  bool is_failure = true;
  /// It fails for want of rights that are ruled out for Loopscope (see is_ruled_out()).
  bool is_ruled_out = false;
};

/// What loops that end leave to those that take their names; called by ProcessLoops::refresh()
/// and end(), in their thread. Empty functions: nothing.
struct LoopSuccession {
  /// `totals`: what it came to, its own predecessors included.
  std::function<void(const std::string& loop, LoopStatsSnapshot totals)> leave = {};
  std::function<std::shared_ptr<const LoopStatsSnapshot>(const std::string& loop)> take = {};
};

/// All event loops of one process: finds the threads that run one, gives each the best
/// source there is (phase words, else /proc), follows threads that come and go and a
/// program that is replaced by exec. A thread whose source does not yet know whether it is a
/// loop is a candidate: it is looked at and shown nowhere. refresh() and set_options() are called
/// from one thread; the others may be called from any, and never wait for a refresh under way.
class ProcessLoops {
 public:
  /// Makes what hears of the stalls of the loop of this name, run by thread `tid`; may
  /// return null.
  using ListenerFactory =
      std::function<std::unique_ptr<StallListener>(const std::string& loop, int tid)>;

  /// `sampler`, `images` and `clock` must outlive this.
  ProcessLoops(ProcessId id, LoopOptions options, Sampler& sampler, UvImageCache& images,
               const Clock& clock, ListenerFactory listeners, LoopSuccession succession = {});
  ~ProcessLoops();
  ProcessLoops(const ProcessLoops&) = delete;
  ProcessLoops& operator=(const ProcessLoops&) = delete;

  /// All loops have ended, with the process or its program; nothing is to be done with this any
  /// more but to read what they came to.
  void end();
  /// Looks for loops that came or went. `runtime` is what discovery knows by now.
  void refresh(const RuntimeInfo& runtime);
  void set_options(const LoopOptions& options);

  /// labels.loop is filled in, the rest is the caller's.
  std::vector<LoopSnapshot> snapshot(Nanos now) const;
  std::vector<SourceProblem> problems() const;
  /// Why the threads that seemed to be loops are none, if no other one is; else empty.
  std::string why_none() const;
  std::size_t loop_count() const;
  /// The loop that thread `tid` runs, as of the last refresh; null: none.
  std::shared_ptr<SampledLoop> loop_of(int tid) const;

 private:
  struct Thread {
    std::shared_ptr<SampledLoop> loop;       ///< null: runs none, as far as known
    std::shared_ptr<SampledLoop> candidate;  ///< not proven; has no name
    bool is_refuted = false;
    Nanos next_check{0};
    Nanos backoff{0};
    int failures = 0;  ///< attempts to find a lost loop again
  };

  void drop_ended(const std::vector<int>& tids);
  void find_loops(const std::vector<int>& tids, const RuntimeInfo& runtime);
  void judge_candidates();
  void start_loop(int tid, Thread& thread, std::unique_ptr<LoopSource> source, bool internal);
  void check_thread(int tid, Thread& thread, const RuntimeInfo& runtime, const MemoryMap& map);
  /// Null without an error: the thread runs no loop.
  Result<std::unique_ptr<LoopSource>> make_source(int tid, const RuntimeInfo& runtime,
                                                  const MemoryMap& map, bool& internal);
  /// `why`: what stands in the way of a better source.
  Result<std::unique_ptr<LoopSource>> make_procfs_source(int tid, const RuntimeInfo& runtime,
                                                         const std::string& why);
  bool may_wait_yet() const;
  bool has_epoll_descriptor() const;
  void put_off(int tid, Thread& thread) const;
  void open_uv_process(const RuntimeInfo& runtime);
  void remove_loop(Thread& thread);
  void remove_candidate(Thread& thread);
  void refute(Thread& thread, const std::string& why);
  std::optional<SourceProblem> not_judged() const;
  void leave(SampledLoop& loop);
  void publish();
  std::string next_name(int tid, bool internal) const;
  SamplingPolicy policy() const;

  const ProcessId id_;
  LoopOptions options_;
  Sampler& sampler_;
  UvImageCache& images_;
  const Clock& clock_;
  const ListenerFactory listeners_;
  const LoopSuccession succession_;

  std::shared_ptr<const UvProcess> uv_process_;
  std::string uv_problem_;
  RuntimeInfo runtime_;  ///< of the last refresh
  std::size_t loops_ = 0;
  std::size_t candidates_ = 0;
  int refreshes_ = 0;
  Nanos first_refresh_{0};  ///< 0: none yet

  std::map<int, Thread> threads_;
  std::map<std::string, std::string> problems_;  ///< by source; as of the last look
  std::string why_refuted_;                      ///< the last reason

  /// What the last refresh found, for the other threads.
  struct Published {
    std::map<int, std::shared_ptr<SampledLoop>> loops;  ///< by tid
    std::vector<SourceProblem> problems;
    std::string why_none;
  };
  mutable std::mutex mutex_;
  Published published_;
};

}  // namespace loopscope
