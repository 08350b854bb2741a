#include "sources/process_loops.h"

#include <algorithm>

#include "sources/procfs/procfs_source.h"
#include "sources/uv_stack/uv_stack_source.h"
#include "target/memory_map.h"
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

}  // namespace

ProcessLoops::ProcessLoops(ProcessId id, LoopOptions options, Sampler& sampler,
                           UvImageCache& images, const Clock& clock, ListenerFactory listeners)
    : id_(id),
      options_(options),
      sampler_(sampler),
      images_(images),
      clock_(clock),
      listeners_(std::move(listeners)) {}

ProcessLoops::~ProcessLoops() {
  for (auto& [tid, thread] : threads_) {
    if (thread.loop) sampler_.remove(thread.loop);
  }
}

void ProcessLoops::refresh(const RuntimeInfo& runtime) {
  if (const auto tids = list_threads(id_.pid)) {
    drop_ended(*tids);
    find_loops(*tids, runtime);
  }
  publish();
}

void ProcessLoops::find_loops(const std::vector<int>& tids, const RuntimeInfo& runtime) {
  const Nanos now = clock_.now();
  // After an exec another program runs under the same pid: every source is out of date.
  const bool is_other_program = runtime != runtime_;
  runtime_ = runtime;
  if (is_other_program) uv_process_.reset();
  std::vector<int> due;
  for (const int tid : tids) {
    Thread& thread = threads_[tid];
    const bool lost = thread.loop && (is_other_program || thread.loop->failed());
    if (lost) uv_process_.reset();
    if (lost || (!thread.loop && now >= thread.next_check)) due.push_back(tid);
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
    it = threads_.erase(it);
  }
}

void ProcessLoops::open_uv_process(const RuntimeInfo& runtime) {
  if (!options_.use_uv_stack || !runtime.has_uv_run) {
    uv_problem_.clear();
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
    thread.failures = 0;
    if (thread.loop) {
      thread.loop->replace_source(std::move(*source));
      sampler_.add(thread.loop);
      return;
    }
    if (loops_ >= options_.max_loops) return;
    ++loops_;
    const std::string name = next_name(tid, internal);
    thread.loop =
        std::make_shared<SampledLoop>(name, std::move(*source), policy(), options_.stall_threshold,
                                      listeners_ ? listeners_(name, tid) : nullptr);
    sampler_.add(thread.loop);
    return;
  }
  if (thread.loop && ++thread.failures >= kMaxFindFailures) remove_loop(thread);
  const Nanos longest = tid == id_.pid ? kMaxMainBackoff : kMaxBackoff;
  thread.backoff = std::clamp(thread.backoff * 2, kFirstBackoff, longest);
  thread.next_check = clock_.now() + thread.backoff;
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
  if (!source && tid == id_.pid) return make_procfs_source(tid, runtime, source.error().message);
  if (!source) return source.error();
  internal = runtime.name == "node" && (*source)->is_internal();
  return std::unique_ptr<LoopSource>(std::move(*source));
}

Result<std::unique_ptr<LoopSource>> ProcessLoops::make_procfs_source(int tid,
                                                                     const RuntimeInfo& runtime,
                                                                     const std::string& why) {
  if (!options_.use_procfs) return std::unique_ptr<LoopSource>();
  LoopInfo info{
      .runtime = runtime.name, .runtime_version = runtime.version, .source = "procfs", .note = why};
  auto source = ProcfsSource::attach(id_.pid, tid, std::move(info));
  if (!source) {
    problems_["procfs"] = source.error().message;
    return source.error();
  }
  return std::unique_ptr<LoopSource>(std::move(*source));
}

void ProcessLoops::remove_loop(Thread& thread) {
  if (!thread.loop) return;
  sampler_.remove(thread.loop);
  thread.loop.reset();
  --loops_;
}

std::string ProcessLoops::next_name(int tid, bool internal) {
  if (tid == id_.pid) return "main";
  if (internal) return "internal-" + std::to_string(++internals_);
  return "worker-" + std::to_string(++workers_);
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
    for (auto& [tid, thread] : threads_) remove_loop(thread);
    threads_.clear();
    uv_process_.reset();
    workers_ = internals_ = 0;
  }
  for (auto& [tid, thread] : threads_) {
    if (thread.loop) thread.loop->set_policy(policy(), options_.stall_threshold);
  }
  publish();
}

void ProcessLoops::publish() {
  Published now;
  for (const auto& [tid, thread] : threads_) {
    if (thread.loop) now.loops.emplace(tid, thread.loop);
  }
  for (const auto& [source, reason] : problems_) now.problems.push_back({source, reason});
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
  }
  return snapshots;
}

std::vector<SourceProblem> ProcessLoops::problems() const {
  const std::lock_guard lock(mutex_);
  return published_.problems;
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
