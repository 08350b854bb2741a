#include "sources/process_loops.h"

#include <algorithm>
#include <set>

#include "core/loop_totals.h"
#include "sources/procfs/first_wait.h"
#include "sources/procfs/procfs_source.h"
#include "sources/uv_stack/uv_stack_source.h"
#include "target/access_refusal.h"
#include "target/memory_map.h"
#include "target/open_files.h"
#include "target/process_info.h"

namespace loopscope {
namespace {

using namespace std::chrono_literals;

// How long until a thread that runs no loop is looked at again: threads start their loop
// soon or never.
constexpr Nanos kFirstBackoff = 500ms;
constexpr Nanos kMaxBackoff = 30s;
// A main thread without a loop is a program that is still starting.
constexpr Nanos kMaxMainBackoff = 2s;
constexpr int kMaxFindFailures = 3;
constexpr int kEarlyRefreshes = 3;
/// A program without a loop may be one that has been blocked since before it was met. Nothing
/// is blocked for ever: from then on it counts as one that has none, so that no alert stays.
constexpr Nanos kMayBeBlocked = 2min;
/// Each asks what the others do.
constexpr std::size_t kMaxCandidates = 64;
/// Looked at all the while, for nothing where they are no loops.
constexpr std::size_t kMaxAwaited = 4;

}  // namespace

ProcessLoops::ProcessLoops(ProcessId id, LoopOptions options, Sampler& sampler,
                           UvImageCache& images, const Clock& clock, ListenerFactory listeners,
                           LoopSuccession succession)
    : id_(id),
      options_(options),
      sampler_(sampler),
      images_(images),
      clock_(clock),
      listeners_(std::move(listeners)),
      succession_(std::move(succession)) {}

ProcessLoops::~ProcessLoops() {
  for (auto& [tid, thread] : threads_) {
    if (thread.loop) sampler_.remove(thread.loop);
    if (thread.candidate) sampler_.remove(thread.candidate);
  }
}

void ProcessLoops::refresh(const RuntimeInfo& runtime) {
  if (first_refresh_ == Nanos{0}) first_refresh_ = clock_.now();
  refreshes_ = std::min(refreshes_ + 1, kEarlyRefreshes);
  if (const auto tids = list_threads(id_.pid)) {
    drop_ended(*tids);
    judge_candidates();
    find_loops(*tids, runtime);
  }
  publish();
}

void ProcessLoops::find_loops(const std::vector<int>& tids, const RuntimeInfo& runtime) {
  const Nanos now = clock_.now();
  // After an exec another program runs under the same pid: every source is out of date.
  const bool is_other_program = runtime != runtime_;
  runtime_ = runtime;
  if (is_other_program) {
    uv_process_.reset();
    why_refuted_.clear();
    for (auto& [tid, thread] : threads_) {
      remove_candidate(thread);
      thread.is_refuted = false;
    }
  }
  std::vector<int> due;
  for (const int tid : tids) {
    Thread& thread = threads_[tid];
    const bool lost = thread.loop && (is_other_program || thread.loop->failed());
    if (lost) uv_process_.reset();
    const bool is_free = !thread.loop && !thread.candidate && !thread.is_refuted;
    if (lost || (is_free && now >= thread.next_check)) due.push_back(tid);
  }
  if (due.empty()) return;
  problems_.clear();
  const auto map = read_memory_map(id_.pid);
  if (!map) {
    if (options_.use_uv_stack) problems_["uv_stack"] = map.error().message;
    if (options_.use_procfs) problems_["procfs"] = map.error().message;
    for (const int tid : due) threads_[tid].next_check = now + kMaxMainBackoff;
    return;
  }
  open_uv_process(runtime);
  for (const int tid : due) check_thread(tid, threads_[tid], runtime, *map);
}

void ProcessLoops::drop_ended(const std::vector<int>& tids) {
  for (auto it = threads_.begin(); it != threads_.end();) {
    if (std::binary_search(tids.begin(), tids.end(), it->first)) {
      ++it;
      continue;
    }
    remove_loop(it->second);
    remove_candidate(it->second);
    it = threads_.erase(it);
  }
}

void ProcessLoops::judge_candidates() {
  using Standing = LoopSource::Standing;
  for (auto& [tid, thread] : threads_) {
    if (thread.loop && thread.loop->standing() == Standing::kRefuted) {
      refute(thread, thread.loop->doubt());
    }
    if (!thread.candidate) continue;
    const Standing standing = thread.candidate->standing();
    if (standing == Standing::kRefuted) {
      refute(thread, thread.candidate->doubt());
    } else if (thread.candidate->failed()) {
      remove_candidate(thread);
      put_off(tid, thread);
    } else if (standing == Standing::kProven) {
      const auto candidate = thread.candidate;
      remove_candidate(thread);
      start_loop(tid, thread, candidate->release_source(), false);
    }
  }
}

void ProcessLoops::refute(Thread& thread, const std::string& why) {
  why_refuted_ = why;
  thread.is_refuted = true;
  remove_loop(thread);
  remove_candidate(thread);
}

void ProcessLoops::open_uv_process(const RuntimeInfo& runtime) {
  if (!options_.use_uv_stack || !runtime.has_uv_run) {
    uv_problem_ = options_.use_uv_stack ? runtime.unreadable : "";
    if (!uv_problem_.empty()) problems_["uv_stack"] = uv_problem_;
    return;
  }
  if (!uv_process_) {
    auto process = UvProcess::open(id_, runtime, images_);
    uv_problem_ = process ? "" : process.error().message;
    if (process) uv_process_ = std::move(*process);
  }
  if (!uv_problem_.empty()) problems_["uv_stack"] = uv_problem_;
}

void ProcessLoops::check_thread(int tid, Thread& thread, const RuntimeInfo& runtime,
                                const MemoryMap& map) {
  bool internal = false;
  auto source = make_source(tid, runtime, map, internal);
  if (source && *source && (!internal || options_.internal_loops)) {
    const LoopSource::Standing standing = (*source)->standing();
    thread.failures = 0;
    if (standing == LoopSource::Standing::kRefuted) {
      refute(thread, (*source)->doubt());
    } else if (thread.loop) {
      thread.loop->replace_source(std::move(*source));
      sampler_.add(thread.loop);
    } else if (standing == LoopSource::Standing::kProven) {
      start_loop(tid, thread, std::move(*source), internal);
    } else if (candidates_ < kMaxCandidates) {
      ++candidates_;
      thread.candidate = std::make_shared<SampledLoop>("", std::move(*source), policy(),
                                                       options_.stall_threshold, nullptr);
      sampler_.add(thread.candidate);
    }
    return;
  }
  if (thread.loop && ++thread.failures >= kMaxFindFailures) remove_loop(thread);
  put_off(tid, thread);
}

void ProcessLoops::put_off(int tid, Thread& thread) const {
  const Nanos longest = tid == id_.pid ? kMaxMainBackoff : kMaxBackoff;
  thread.backoff = std::clamp(thread.backoff * 2, kFirstBackoff, longest);
  thread.next_check = clock_.now() + thread.backoff;
}

void ProcessLoops::start_loop(int tid, Thread& thread, std::unique_ptr<LoopSource> source,
                              bool internal) {
  if (loops_ >= options_.max_loops) return;
  ++loops_;
  const std::string name = next_name(tid, internal);
  thread.loop =
      std::make_shared<SampledLoop>(name, std::move(source), policy(), options_.stall_threshold,
                                    listeners_ ? listeners_(name, tid) : nullptr);
  if (succession_.take) thread.loop->set_before(succession_.take(name));
  sampler_.add(thread.loop);
}

Result<std::unique_ptr<LoopSource>> ProcessLoops::make_source(int tid, const RuntimeInfo& runtime,
                                                              const MemoryMap& map,
                                                              bool& internal) {
  if (!uv_process_) {
    return make_procfs_source(tid, runtime,
                              uv_problem_.empty() ? "the program has no uv_run" : uv_problem_);
  }
  LoopInfo info{.runtime = runtime.name,
                .runtime_version = runtime.version,
                .source = "uv_stack",
                .note = ""};
  if (info.runtime == "libuv") info.runtime_version = uv_process_->sites().version_string();
  auto source = UvStackSource::attach(uv_process_, id_.pid, tid, map, std::move(info));
  // A program may have libuv and yet run another loop on its main thread.
  const bool is_main = tid == id_.pid;
  const bool is_node = runtime.name == "node";
  if (!source && is_main && !is_node) {
    return make_procfs_source(tid, runtime, source.error().message);
  }
  if (!source) return source.error();
  internal = is_node && (*source)->is_internal();
  // Whoever waits for a synchronous child while it starts has no loop yet.
  if (internal && is_main) return Error{"the main thread does not run its loop yet"};
  return std::unique_ptr<LoopSource>(std::move(*source));
}

Result<std::unique_ptr<LoopSource>> ProcessLoops::make_procfs_source(int tid,
                                                                     const RuntimeInfo& runtime,
                                                                     const std::string& why) {
  if (!options_.use_procfs) return std::unique_ptr<LoopSource>();
  const LoopInfo info{
      .runtime = runtime.name, .runtime_version = runtime.version, .source = "procfs", .note = why};
  const bool is_known = tid == id_.pid && main_thread_is_loop(runtime);
  auto source = ProcfsSource::attach(id_.pid, tid, info, is_known);
  if (!source) {
    problems_["procfs"] = source.error().message;
    return source.error();
  }
  if (!*source && may_wait_yet()) {
    auto wait = FirstWait::attach(id_.pid, tid, info, is_known);
    if (!wait) return wait.error();
    return std::unique_ptr<LoopSource>(std::move(*wait));
  }
  return std::unique_ptr<LoopSource>(std::move(*source));
}

/// Whether a thread that does not wait in epoll at this instant may be the loop of this process.
/// Where there is libuv, its uv_run() tells, and looking for that goes on.
bool ProcessLoops::may_wait_yet() const {
  return !uv_process_ && loops_ == 0 && candidates_ < kMaxAwaited && has_epoll_descriptor();
}

bool ProcessLoops::has_epoll_descriptor() const {
  bool found = false;
  static_cast<void>(visit_open_files(id_.pid, [&found](const OpenFile& file) {
    found = file.is_epoll;
    return !found;
  }));
  return found;
}

void ProcessLoops::remove_loop(Thread& thread) {
  if (!thread.loop) return;
  sampler_.remove(thread.loop);
  leave(*thread.loop);
  thread.loop.reset();
  --loops_;
}

void ProcessLoops::remove_candidate(Thread& thread) {
  if (!thread.candidate) return;
  sampler_.remove(thread.candidate);
  thread.candidate.reset();
  --candidates_;
}

/// Why a process that may well have a loop shows none; nothing: it has one, or is none.
std::optional<SourceProblem> ProcessLoops::not_judged() const {
  if (loops_ > 0 || !why_refuted_.empty()) return std::nullopt;
  SourceProblem problem{.source = uv_process_ ? "uv_stack" : "procfs",
                        .reason = {},
                        .is_early = refreshes_ < kEarlyRefreshes,
                        .is_failure = clock_.now() - first_refresh_ < kMayBeBlocked};
  for (const auto& [tid, thread] : threads_) {
    if (!thread.candidate) continue;
    problem.reason = thread.candidate->doubt();
    // Else it has been met waiting: an idle program, of which nothing is missing.
    problem.is_failure &= problem.reason == FirstWait::kNotJudgedYet;
    return problem;
  }
  if (uv_process_) {
    problem.reason =
        "no thread has run its loop since Loopscope looked; figures begin with its first turn";
  } else if (options_.use_procfs && has_epoll_descriptor()) {
    problem.reason = FirstWait::kNotJudgedYet;
  } else {
    return std::nullopt;
  }
  return problem;
}

void ProcessLoops::leave(SampledLoop& loop) {
  LoopStatsSnapshot totals = loop.finish(clock_.now());
  if (loop.before()) add_totals(totals, *loop.before());
  if (succession_.leave) succession_.leave(loop.name(), std::move(totals));
}

void ProcessLoops::end() {
  for (auto& [tid, thread] : threads_) {
    if (!thread.loop) continue;
    sampler_.remove(thread.loop);
    leave(*thread.loop);
  }
}

std::string ProcessLoops::next_name(int tid, bool internal) const {
  if (tid == id_.pid) return "main";
  const std::string kind = internal ? "internal-" : "worker-";
  std::set<std::string> taken;
  for (const auto& [other, thread] : threads_) {
    if (thread.loop) taken.insert(thread.loop->name());
  }
  // A number that is free again is used again: a thread per job must not be a name per job.
  for (int number = 1;; ++number) {
    std::string name = kind + std::to_string(number);
    if (!taken.contains(name)) return name;
  }
}

SamplingPolicy ProcessLoops::policy() const {
  return {options_.sample_interval, options_.stall_threshold};
}

void ProcessLoops::set_options(const LoopOptions& options) {
  if (options == options_) return;
  const bool other_threads = options.internal_loops != options_.internal_loops ||
                             options.use_uv_stack != options_.use_uv_stack ||
                             options.use_procfs != options_.use_procfs;
  options_ = options;
  if (other_threads) {
    for (auto& [tid, thread] : threads_) {
      remove_loop(thread);
      remove_candidate(thread);
    }
    threads_.clear();
    why_refuted_.clear();
    uv_process_.reset();
  }
  for (auto& [tid, thread] : threads_) {
    if (thread.loop) thread.loop->set_policy(policy(), options_.stall_threshold);
  }
  publish();
}

void ProcessLoops::publish() {
  Published now;
  std::string limitation;
  for (const auto& [tid, thread] : threads_) {
    if (!thread.loop) continue;
    now.loops.emplace(tid, thread.loop);
    if (limitation.empty()) limitation = thread.loop->limitation();
  }
  if (!limitation.empty())
    now.problems.push_back({.source = "procfs", .reason = std::move(limitation)});
  const bool ruled_out = !problems_.empty() && is_ruled_out(read_access_facts(id_.pid, true));
  for (const auto& [source, reason] : problems_) {
    now.problems.push_back({.source = source, .reason = reason, .is_ruled_out = ruled_out});
  }
  if (now.problems.empty()) {
    if (auto doubt = not_judged()) now.problems.push_back(std::move(*doubt));
  }
  if (loops_ == 0 && candidates_ == 0) now.why_none = why_refuted_;
  const std::lock_guard lock(mutex_);
  published_ = std::move(now);
}

std::vector<LoopSnapshot> ProcessLoops::snapshot(Nanos now) const {
  std::map<int, std::shared_ptr<SampledLoop>> loops;
  {
    const std::lock_guard lock(mutex_);
    loops = published_.loops;
  }
  std::vector<LoopSnapshot> snapshots;
  snapshots.reserve(loops.size());
  for (const auto& [tid, loop] : loops) {
    LoopSnapshot& snapshot = snapshots.emplace_back();
    snapshot.labels.loop = loop->name();
    snapshot.labels.pid = id_.pid;
    snapshot.info = loop->info();
    snapshot.stats = loop->stats(now);
    snapshot.before = loop->before();
  }
  return snapshots;
}

std::vector<SourceProblem> ProcessLoops::problems() const {
  const std::lock_guard lock(mutex_);
  return published_.problems;
}

std::string ProcessLoops::why_none() const {
  const std::lock_guard lock(mutex_);
  return published_.why_none;
}

std::shared_ptr<SampledLoop> ProcessLoops::loop_of(int tid) const {
  const std::lock_guard lock(mutex_);
  const auto found = published_.loops.find(tid);
  return found == published_.loops.end() ? nullptr : found->second;
}

std::size_t ProcessLoops::loop_count() const {
  const std::lock_guard lock(mutex_);
  return published_.loops.size();
}

}  // namespace loopscope
