#include "apps/loopscope/watcher.h"

#include <pthread.h>
#include <spdlog/spdlog.h>

#include <algorithm>

#include "apps/loopscope/logging.h"
#include "apps/loopscope/selection.h"

namespace loopscope {
namespace {

// Reasons already logged are remembered to say each once; a host that makes ever new ones
// must not make this grow for ever.
constexpr std::size_t kMaxReported = 4096;
constexpr std::size_t kStallsKept = 1000;

}  // namespace

Watcher::Watcher(const Config& config, std::optional<int> child_pid, const Clock& clock)
    : clock_(clock),
      child_pid_(child_pid),
      stall_reporter_(clock, log_with_fields,
                      [](const std::string& text) { spdlog::warn("{}", text); }),
      stall_log_(clock, kStallsKept,
                 [this](const StallRecord& stall) { stall_reporter_.report(stall); }),
      capturer_(clock, stall_log_, capture_options_of(config),
                [this](const ProcessId& process, int tid, const V8StateWord& word) {
                  watch_gc(process, tid, word);
                }),
      sampler_(clock),
      backlog_({.interval = config.backlog_interval}, clock),
      config_(config),
      discovery_(selection_of(config, child_pid), clock),
      container_labels_(config.container_labels, clock),
      switches_(config.sources) {}

Watcher::~Watcher() { stop(); }

void Watcher::start() {
  stall_reporter_.set_file(config_.stall_log);
  capturer_.start();
  sampler_.start();
  if (config_.sources.backlog) backlog_.start();
  thread_ = std::thread([this] { run(); });
  pthread_setname_np(thread_.native_handle(), "discovery");
}

void Watcher::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    wake_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
  backlog_.stop();
  sampler_.stop();
  capturer_.stop();
}

void Watcher::apply(const Config& config) {
  const std::lock_guard lock(mutex_);
  new_config_ = config;
  wake_.notify_one();
}

bool Watcher::ready() const {
  const std::lock_guard lock(mutex_);
  return !targets_.empty();
}

void Watcher::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    lock.unlock();
    take_new_config();
    discover();
    lock.lock();
    wake_.wait_for(lock, config_.discovery_interval,
                   [this] { return stopping_ || new_config_.has_value(); });
  }
}

void Watcher::take_new_config() {
  std::optional<Config> config;
  {
    const std::lock_guard lock(mutex_);
    std::swap(config, new_config_);
  }
  if (!config) return;
  config_ = std::move(*config);
  discovery_.set_selection(selection_of(config_, child_pid_));
  container_labels_.configure(config_.container_labels);
  stall_reporter_.set_file(config_.stall_log);
  capturer_.set_options(capture_options_of(config_));
  backlog_.set_interval(config_.backlog_interval);
  if (config_.sources.backlog) {
    backlog_.start();
  } else {
    backlog_.stop();
  }
  const std::lock_guard lock(mutex_);
  switches_ = config_.sources;
}

void Watcher::discover() {
  const Nanos begin = clock_.now();
  const DiscoveryResult result = discovery_.scan();
  drop_ended(result.found);
  container_labels_.keep_only(result.found);
  for (const FoundProcess& process : result.found) refresh_target(process);
  update_backlog_targets();
  report(result);
  const std::lock_guard lock(mutex_);
  discovery_duration_ = clock_.now() - begin;
}

void Watcher::drop_ended(const std::vector<FoundProcess>& found) {
  std::vector<Target> ended;  // destroyed outside the lock
  const std::lock_guard lock(mutex_);
  for (auto it = targets_.begin(); it != targets_.end();) {
    const bool stays = std::any_of(found.begin(), found.end(), [&it](const FoundProcess& process) {
      return process.id == it->first;
    });
    if (stays) {
      ++it;
      continue;
    }
    spdlog::info("target gone: {} pid {}", it->second.labels.process, it->first.pid);
    ended.push_back(std::move(it->second));
    it = targets_.erase(it);
  }
}

void Watcher::refresh_target(const FoundProcess& process) {
  const LoopLabels labels = labels_of(process);
  const LoopOptions options = loop_options_of(config_, process.entry);
  std::shared_ptr<ProcessLoops> loops;
  {
    const std::lock_guard lock(mutex_);
    Target& target = targets_[process.id];
    if (!target.loops) {
      spdlog::info("target found: {} pid {} ({}{}{})", labels.process, process.id.pid,
                   process.runtime.name, process.runtime.version.empty() ? "" : " ",
                   process.runtime.version);
      auto listeners = [this, labels, process](const std::string& loop, int tid) {
        CaptureTarget loop_target{.labels = labels,
                                  .process = process.id,
                                  .tid = tid,
                                  .runtime_version = process.runtime.version};
        loop_target.labels.loop = loop;
        return capturer_.listener(loop_target);
      };
      target.loops = std::make_shared<ProcessLoops>(process.id, options, sampler_, images_, clock_,
                                                    std::move(listeners));
    }
    target.labels = labels;
    target.port_hint.reset();
    if (process.entry < config_.targets.size() && config_.targets[process.entry].port) {
      target.port_hint = *config_.targets[process.entry].port;
    }
    loops = target.loops;
  }
  // Looking at a process takes a while; scrapes must not wait for it.
  loops->set_options(options);
  loops->refresh(process.runtime);
  for (const SourceProblem& problem : loops->problems()) {
    if (problem.source == "uv_stack") discovery_.doubt(process.id.pid);
  }
}

void Watcher::update_backlog_targets() {
  std::vector<BacklogTarget> targets;
  if (config_.sources.backlog) {
    const std::lock_guard lock(mutex_);
    for (const auto& [id, target] : targets_) {
      targets.push_back({.labels = target.labels, .port_hint = target.port_hint});
    }
  }
  backlog_.set_targets(std::move(targets));
}

void Watcher::report(const DiscoveryResult& result) {
  for (const SkippedProcess& skipped : result.skipped) {
    report_problem(skipped.pid, "discovery", skipped.reason);
  }
  if (const std::string problem = container_labels_.problem(); !problem.empty()) {
    report_problem(0, "container_labels", problem);
  }
  for (const BacklogNote& note : backlog_.notes()) {
    report_problem(note.pid, "backlog", note.text);
  }
  std::vector<std::pair<int, SourceProblem>> problems;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [id, target] : targets_) {
      for (const SourceProblem& problem : target.loops->problems()) {
        problems.emplace_back(id.pid, problem);
      }
    }
  }
  for (const auto& [pid, problem] : problems) {
    report_problem(pid, problem.source, problem.reason);
  }
}

void Watcher::report_problem(int pid, const std::string& source, const std::string& reason) {
  if (reported_.size() >= kMaxReported) reported_.clear();
  // Two sources that fail for one reason are one thing to tell.
  if (!reported_.insert(std::to_string(pid) + ' ' + reason).second) return;
  spdlog::warn("pid {}: {}: {}", pid, source, reason);
}

void Watcher::watch_gc(const ProcessId& process, int tid, const V8StateWord& word) {
  std::shared_ptr<ProcessLoops> loops;
  {
    const std::lock_guard lock(mutex_);
    const auto target = targets_.find(process);
    if (target == targets_.end()) return;
    loops = target->second.loops;
  }
  if (!loops) return;
  const auto loop = loops->loop_of(tid);
  if (loop) loop->watch_gc(GcWord{word.address, word.gc_value});
}

LoopLabels Watcher::labels_of(const FoundProcess& process) {
  LoopLabels labels;
  labels.process = process.label.empty() ? process.comm : process.label;
  labels.pid = process.id.pid;
  if (process.entry < config_.targets.size()) {
    labels.extra = config_.targets[process.entry].labels;
  }
  labels.extra = container_labels_.add_to(std::move(labels.extra), process.id);
  return labels;
}

Snapshot Watcher::snapshot() {
  Snapshot out;
  const Nanos now = clock_.now();
  std::vector<Target> targets;
  {
    const std::lock_guard lock(mutex_);
    targets.reserve(targets_.size());
    for (const auto& [id, target] : targets_) targets.push_back(target);
  }
  for (const Target& target : targets) {
    for (LoopSnapshot& loop : target.loops->snapshot(now)) {
      std::string name = std::move(loop.labels.loop);
      loop.labels = target.labels;
      loop.labels.loop = std::move(name);
      out.loops.push_back(std::move(loop));
    }
  }
  out.sources = source_snapshots();
  backlog_.append_snapshot(out);
  out.targets = targets.size();
  out.sampler_late = sampler_.late();
  out.stack_captures = capturer_.snapshot();
  return out;
}

std::vector<SourceSnapshot> Watcher::source_snapshots() const {
  const std::lock_guard lock(mutex_);
  std::vector<SourceSnapshot> sources;
  SourceSnapshot& discovery = sources.emplace_back();
  discovery.source = "discovery";
  discovery.duration = discovery_duration_;
  const auto add = [this, &sources](const char* name, bool enabled) {
    if (!enabled) return;
    SourceSnapshot& source = sources.emplace_back();
    source.source = name;
    source.duration = sampler_.pass_duration();
    for (const auto& [id, target] : targets_) {
      for (const SourceProblem& problem : target.loops->problems()) {
        if (problem.source != name || !source.success) continue;
        source.success = false;
        source.reason = "pid " + std::to_string(id.pid) + ": " + problem.reason;
      }
    }
  };
  add("uv_stack", switches_.uv_stack);
  add("procfs", switches_.procfs);
  return sources;
}

std::vector<StallRecord> Watcher::stalls(std::size_t limit) { return stall_log_.newest(limit); }

}  // namespace loopscope
